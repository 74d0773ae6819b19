import { homedir } from 'node:os';
import { type Entry, Findings, type Place, type Secret } from './entry.ts';
import { notThat } from './settings.ts';
import { isComposed, splitCommands, splitConfig, variableIn } from './shell.ts';
import { tlsOf } from './tls-versions.ts';

/**
 * What curl is told of certificates: command lines (`curl --cert bank.p12:secret https://…`), or a config file of its
 * own (`.curlrc`). The hosts of its URLs get the certificate.
 *
 * @see https://curl.se/docs/manpage.html
 */
export function readCurl(text: string): Findings {
  const found = new Findings();
  const commands = splitCommands(text).flatMap((words) => {
    const start = words.findIndex((word) => CURL.test(word));
    if (start >= 0 && words.slice(0, start).every((word) => BEFORE.test(word)))
      return [words.slice(start + 1)];
    const [command = ''] = words.filter((word) => !/^\w+=/.test(word) && !BEFORE.test(word));
    // `docker run … curl --cert`, `sh -c 'curl --cert …'`
    const line = words.join(' ');
    const within = line.search(/(?<![^\s/])curl(?:[:.][\w.-]+)?\s/);
    if (within >= 0 && /\s(?:--(?:cert|key|cacert)\b|-\w*E)/.test(line.slice(within)))
      found.leave(
        `the call of curl within "${/^[\w./+-]+$/.test(command) ? command : 'another command'}"`,
        'what its paths and hosts are is for that command to say: import the line of curl by itself',
      );
    return [];
  });
  if (commands.length === 0 && found.omitted.length > 0) return found;
  const lines = commands.length > 0 ? commands : [splitConfig(text)];
  const isKnown = (word: string) =>
    TAKES.has(word.replace(/^--/, '')) || OPTIONS.has(word.replace(/^--/, ''));
  if (
    commands.length === 0 &&
    !lines[0]!.some((word) => word.startsWith('--') && isKnown(word)) &&
    !lines[0]!.some((word) => /^-[EK]/.test(word))
  )
    throw notThat('neither a command line of curl nor a config file of its');
  for (const line of lines) for (const call of splitCalls(line)) takeCall(call, found);
  if (found.entries.length === 0 && found.omitted.length === 0)
    throw notThat('it says nothing of certificates', 'They follow --cert, --key and --cacert.');
  return found;
}

const CURL = /(?:^|[\\/])curl(?:\.exe)?$/;
/** `$ curl`, `sudo curl`, `NAME=value curl`, `if ! curl`, `do curl` */
const BEFORE =
  /^(?:[$>%!{]|sudo|time|env|exec|command|nohup|nice|if|then|elif|else|while|until|do|timeout|\d+[smhd]?|\w+=.*)$/s;

interface Call {
  readonly options: Map<string, string>;
  readonly urls: string[];
}

/** What is between `--next` and `--next` stands for itself. */
function splitCalls(words: readonly string[]): Call[] {
  const calls: Call[] = [{ options: new Map(), urls: [] }];
  for (let at = 0; at < words.length; at++) {
    const call = calls.at(-1)!;
    const word = words[at]!;
    const set = (name: string, attached: string | undefined) => {
      const takes = TAKES.has(name);
      const value = takes ? (attached ?? words[++at] ?? '') : '';
      if (name === 'next') calls.push({ options: new Map(), urls: [] });
      else if (name === 'url') call.urls.push(value);
      else if (name === 'config' && isComposed(value)) takeConfig(value, call);
      else if (name.startsWith('no-') && OPTIONS.has(name.slice(3))) call.options.delete(name.slice(3));
      else call.options.set(VERSION.test(name) ? 'tls-min' : name, VERSION.test(name) ? name : value);
    };
    if (word === '-' || !word.startsWith('-')) call.urls.push(word);
    else if (word.startsWith('--')) {
      const [, name = '', attached] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      set(whole(name), attached);
    } else {
      for (let letter = 1; letter < word.length; letter++) {
        const name = LETTERS[word[letter]!];
        const rest = word.slice(letter + 1);
        const takes = name === undefined ? OTHER_LETTERS.includes(word[letter]!) : TAKES.has(name);
        if (name !== undefined) set(name, rest === '' ? undefined : rest);
        else if (takes && rest === '') at++;
        if (takes) break;
      }
    }
  }
  return calls;
}

/** `<(printf 'pass = "%s"\n' "$NAME")`, as `clientcert export curl` writes it. */
function takeConfig(value: string, call: Call): void {
  // It is short, and a long text takes long to look through.
  const [, option, variable] =
    /\b(pass|key-pass|proxy-pass)\b[^$]*\$\{?(\w+)/.exec(value.slice(0, 500)) ?? [];
  if (option === 'pass') call.options.set('pass', `\ue000${variable}\ue001`);
  else call.options.set('config', '');
}

/** curl takes the beginning of an option for it, where no other begins so. */
function whole(name: string): string {
  if (TAKES.has(name) || OPTIONS.has(name)) return name;
  const all = [...TAKES, ...OPTIONS.keys()].filter((each) => each.startsWith(name));
  return all.length === 1 ? all[0]! : name;
}

function takeCall({ options, urls }: Call, found: Findings): void {
  const [certificate, written] = splitCertificate(options.get('cert') ?? '');
  const type = (options.get('cert-type') ?? '').toUpperCase();
  const file = placeOf(certificate, '--cert', found);
  const isPfx = type === 'P12' || (type === '' && /\.(?:p12|pfx)$/i.test(certificate ?? ''));
  const pass = options.get('pass');
  const ca = placeOf(options.get('cacert'), '--cacert', found);
  const tls = tlsOf(versionOf(options.get('tls-min')), maximumOf(options.get('tls-max'), found));
  const spki = pinsOf(options.get('pinnedpubkey'), found);
  const entry: Entry = {
    hosts: urls.flatMap((url) => hostOf(url, found)),
    ...(isPfx ? { pfx: file } : { cert: file, key: placeOf(options.get('key'), '--key', found) }),
    ...(file !== undefined && { passphrase: pass !== undefined ? secretOf(pass) : secretOf(written) }),
    // The file stands in place of curl's own roots.
    ...(ca !== undefined && { ca: [ca], trust: 'only' as const }),
    rule: { ...(tls !== undefined && { tls }), ...(spki.length > 0 && { spki }) },
  };
  if (file !== undefined || ca !== undefined || Object.keys(entry.rule!).length > 0)
    found.entries.push(entry);
  const proxy = options.get('proxy');
  if (proxy !== undefined && proxy !== '') {
    if (isComposed(proxy)) found.leave('--proxy', 'it is in a variable: write `proxy` into the config');
    else {
      found.takeProxy(proxy);
      if (urls.length > 0)
        found.note(
          'the proxy of one call becomes the proxy of the whole config: every host is reached over it',
        );
    }
  }
  if (file === undefined && !options.has('cert'))
    for (const name of ['key', 'pass', 'cert-type'])
      if (options.has(name)) found.leave(`--${name}`, 'there is no --cert that it belongs to');
  for (const [name, why] of OPTIONS)
    if (why !== '' && options.has(name)) found.leave(name === 'tls-min' ? '--tlsv1' : `--${name}`, why);
}

/** `FILE:PASSPHRASE`, in which `\:` and `\\` stand for themselves, and a colon after a drive's letter is the path's. */
function splitCertificate(value: string): [string | undefined, string | undefined] {
  if (value === '') return [undefined, undefined];
  if (/^pkcs11:/i.test(value)) return [value, undefined];
  let path = '';
  for (let at = 0; at < value.length; at++) {
    const character = value[at]!;
    if (character === '\\' && (value[at + 1] === ':' || value[at + 1] === '\\')) path += value[++at];
    else if (character === ':' && !(at === 1 && /^[a-z]:[\\/]/i.test(value)))
      return [path, value.slice(at + 1)];
    else path += character;
  }
  return [path, undefined];
}

function placeOf(given: string | undefined, where: string, found: Findings): Place | undefined {
  if (given === undefined || given === '') return undefined;
  const path = given.replace(/^(?:~|\ue000HOME\ue001)(?=[\\/])/, homedir());
  if (isComposed(path)) {
    found.leave(where, 'it is in a variable: write the path');
    return undefined;
  }
  if (/^pkcs11:/i.test(path) && where !== '--key') {
    found.leave(where, 'the certificate of a token is given as a file, beside the URI of its key');
    return undefined;
  }
  return { path };
}

function secretOf(value: string | undefined): Secret | undefined {
  if (value === undefined || value === '') return undefined;
  const variable = variableIn(value);
  return variable === undefined ? 'written' : { env: variable };
}

function hostOf(url: string, found: Findings): string[] {
  const [, scheme = 'https', host = '', port] =
    /^(?:([a-z][a-z\d+.-]*):\/\/)?(?:[^@/?#]*@)?(\[[^\]]+\]|[^:/?#]+)(?::(\d+))?(?:[/?#]|$)/is.exec(url) ??
    [];
  if (host === '' || isComposed(host) || /[{}[\]]/.test(host.replace(/^\[|\]$/g, ''))) {
    found.leave('a URL', 'its host is put together when it runs: say it with --host');
    return [];
  }
  // Without a scheme curl takes http: unless told otherwise; with a certificate https: is meant.
  if (!/^(?:https|wss|ftps|imaps|smtps)$/i.test(scheme)) {
    found.leave(`${scheme}://${host}`, 'only https: has certificates');
    return [];
  }
  return [found.hostOf('curl', host, port) ?? []].flat();
}

const VERSION = /^tlsv1(?:\.[0-3])?$/;

function versionOf(option: string | undefined): string | undefined {
  if (option === undefined) return undefined;
  const minor = option.split('.')[1] ?? '0';
  return minor === '0' ? 'TLSv1' : `TLSv1.${minor}`;
}

function maximumOf(value: string | undefined, found: Findings): string | undefined {
  if (value === undefined || value === 'default') return undefined;
  if (!/^1\.[0-3]$/.test(value)) {
    found.leave('--tls-max', 'it is no version of TLS that there is here');
    return undefined;
  }
  return versionOf(`tlsv${value}`);
}

function pinsOf(value: string | undefined, found: Findings): string[] {
  const pins = (value ?? '').split(';').filter(Boolean);
  if (pins.some((pin) => !pin.startsWith('sha256//')))
    found.leave('--pinnedpubkey', 'here it is a hash, `sha256/…`, and no file');
  return pins.filter((pin) => pin.startsWith('sha256//')).map((pin) => pin.replace('//', '/'));
}

/** Options that have to do with TLS or the way to the server; with a reason, what is not carried over. */
const OPTIONS: ReadonlyMap<string, string> = new Map([
  ...['cert', 'key', 'pass', 'cacert', 'tls-max', 'pinnedpubkey', 'proxy', 'cert-type'].map(
    (name): [string, string] => [name, ''],
  ),
  ...['tlsv1', 'tlsv1.0', 'tlsv1.1', 'tlsv1.2', 'tlsv1.3', 'next'].map((name): [string, string] => [
    name,
    '',
  ]),
  ['key-type', 'the content of the file tells what it is'],
  ['insecure', 'servers are verified here: trust a private root with `ca`'],
  ['proxy-insecure', 'proxies are verified here: trust a private root with proxy: { url, ca }'],
  ['capath', 'a directory of roots: name its files under `ca`'],
  ['ca-native', 'start Node with --use-system-ca'],
  ['proxy-capath', 'name its files in proxy: { url, ca }'],
  ['proxy-cacert', 'write proxy: { url, ca }'],
  ['proxy-cert', 'write proxy: { url, certificate }, with its name'],
  ['proxy-key', 'write proxy: { url, certificate }, with its name'],
  ['proxy-pass', 'write proxy: { url, certificate }, with its name'],
  ['proxy-user', 'write proxy: { url, authorization: { "env": … } }'],
  ['preproxy', 'there is one proxy here'],
  ['socks4', 'only http: and https: proxies are used here'],
  ['socks4a', 'only http: and https: proxies are used here'],
  ['socks5', 'only http: and https: proxies are used here'],
  ['socks5-hostname', 'only http: and https: proxies are used here'],
  ['noproxy', 'proxy: "env" with NO_PROXY has such a list'],
  [
    'connect-to',
    'where a host is reached is for the client to say (`lookup`); the rule is for the host of the URL',
  ],
  [
    'resolve',
    'where a host is reached is for the client to say (`lookup`); the rule is for the host of the URL',
  ],
  ['unix-socket', 'the rule is for the host of the URL'],
  ['ciphers', "Node's own are used"],
  ['tls13-ciphers', "Node's own are used"],
  ['curves', "Node's own are used"],
  ['sigalgs', "Node's own are used"],
  ['crlfile', 'lists of revoked certificates are not read'],
  ['cert-status', 'stapled answers are not asked for'],
  ['engine', 'write `engine` beside `key`'],
  ['tlsuser', 'TLS-SRP has no certificates'],
  ['tlspassword', 'TLS-SRP has no certificates'],
  ['sslv2', 'it is no version of TLS that there is here'],
  ['sslv3', 'it is no version of TLS that there is here'],
  ['config', 'it is another file: import that as well'],
]);

/** Every option that takes a value: what follows one is no URL. */
const TAKES: ReadonlySet<string> = new Set(
  `abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to
  continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw data-urlencode
  delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine etag-compare
  etag-save expect100-timeout form form-string ftp-account ftp-alternative-to-user ftp-method ftp-port
  ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header help hostpubmd5 hostpubsha256 hsts interface
  ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port login-options
  mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir
  parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert
  proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass
  proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser
  proxy-user proxy1.0 pubkey quote random-file range rate referer request request-target resolve retry retry-delay
  retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname
  speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype tlspassword
  tlsuser trace trace-ascii trace-config unix-socket upload-file upload-flags url url-query user user-agent variable
  vlan-priority write-out`.split(/\s+/),
);

const LETTERS: Readonly<Record<string, string>> = {
  E: 'cert',
  K: 'config',
  k: 'insecure',
  x: 'proxy',
  U: 'proxy-user',
  ':': 'next',
  '1': 'tlsv1',
  '2': 'sslv2',
  '3': 'sslv3',
};
/** Short options that take a value and have nothing to do with TLS. */
const OTHER_LETTERS = 'AbcCdDeFhHmoPQrtTuwXyYz';
