import { type Entry, Findings, type Place, type Secret } from './entry.ts';
import { isJson, notThat, parseYaml } from './settings.ts';
import { tlsOf } from './tls-versions.ts';

/**
 * Spring Boot's SSL bundles (`spring.ssl.bundle.jks.NAME`, `…pem.NAME`), from its YAML or properties. A bundle names no
 * host: calls are made as the service of its name, or `--host` says where it goes. The base URL of an HTTP service
 * group that uses a bundle is such a host.
 *
 * @see https://docs.spring.io/spring-boot/reference/features/ssl.html
 */
export async function readSpring(text: string, file: string): Promise<Findings> {
  const found = new Findings();
  const documents = isProperties(text, file)
    ? text.split(/^[#!]---[ \t]*\r?$/m).map(readLines)
    : (await parseYaml(text)).map(readDocument);
  const properties = new Map(documents.flatMap((document) => [...withoutProfile(document, found)]));
  const bundles = new Map<string, Map<string, string>>();
  for (const [key, value] of properties) {
    // Longer ones than any name are none, and take long to take apart.
    if (key.length > LONGEST_KEY) continue;
    const [, kind, name, rest] = /^spring\.ssl\.bundle\.(jks|pem)\.(.+?)\.(\w[\w.[\]-]*)$/.exec(key) ?? [];
    if (kind === undefined) continue;
    const id = `${kind}.${name}`;
    bundles.set(id, (bundles.get(id) ?? new Map<string, string>()).set(plain(rest!), value));
  }
  if (bundles.size === 0 && found.omitted.length === 0)
    throw notThat('it holds no spring.ssl.bundle.jks or spring.ssl.bundle.pem');
  const users = usersOf(properties);
  for (const [id, held] of bundles) {
    const name = id.slice(4);
    if (users.servers.has(name) && !users.clients.has(name)) {
      found.leave(`bundle "${name}"`, "it is the server's own (server.ssl.bundle)");
      continue;
    }
    const entry = id.startsWith('jks') ? ofKeystore(name, held, file, found) : ofPem(name, held, file, found);
    const { key } = { key: entry.pfx ?? entry.cert };
    if (key === undefined && entry.ca === undefined)
      found.leave(`bundle "${name}"`, 'it holds neither keystore nor truststore');
    else found.entries.push({ ...entry, hosts: users.hosts.get(name) ?? [] });
    for (const left of held.keys())
      found.leave(
        `${left} of bundle "${name}"`,
        WHY[left] ?? 'there is nothing like it here, or it is not known',
      );
  }
  takeWatch(properties, bundles, found);
  return found;
}

const LONGEST_KEY = 500;

const WHY: Readonly<Record<string, string>> = {
  'options.ciphers': "Node's own are used",
  'options.named-groups': "Node's own are used",
  'keystore.provider': 'the content of the file tells what it is',
  'truststore.provider': 'the content of the file tells what it is',
};

function ofKeystore(name: string, held: Map<string, string>, file: string, found: Findings): Entry {
  const take = taker(held);
  take('keystore.type');
  take('truststore.type');
  const ca = placeOf(take('truststore.location'), `truststore of bundle "${name}"`, file, found);
  const caPassphrase = secretOf(take('truststore.password'));
  return {
    ...common(name, take, ca, found),
    pfx: placeOf(take('keystore.location'), `keystore of bundle "${name}"`, file, found),
    passphrase: secretOf(take('keystore.password')),
    keyPassphrase: secretOf(take('key.password')),
    ...(ca !== undefined && { caPassphrase }),
  };
}

function ofPem(name: string, held: Map<string, string>, file: string, found: Findings): Entry {
  const take = taker(held);
  for (const option of ['keystore.type', 'truststore.type', 'keystore.verify-keys', 'truststore.verify-keys'])
    take(option);
  const ca = placeOf(take('truststore.certificate'), `truststore of bundle "${name}"`, file, found);
  const passphrase = secretOf(take('keystore.private-key-password') ?? take('key.password'));
  return {
    ...common(name, take, ca, found),
    cert: placeOf(take('keystore.certificate'), `certificate of bundle "${name}"`, file, found),
    key: placeOf(take('keystore.private-key'), `private key of bundle "${name}"`, file, found),
    passphrase,
  };
}

function common(
  name: string,
  take: (option: string) => string | undefined,
  ca: Place | undefined,
  found: Findings,
): Pick<Entry, 'name' | 'hosts' | 'service' | 'alias' | 'ca' | 'trust' | 'rule'> {
  const alias = take('key.alias');
  take('reload-on-update'); // of all bundles at once
  const protocols = (take('options.enabled-protocols') ?? take('protocol') ?? '')
    .split(',')
    .map((each) => each.trim());
  const versions = protocols.filter((each) => /^TLSv1(?:\.[1-3])?$/.test(each)).sort();
  const tls = tlsOf(versions[0], versions.at(-1));
  if (protocols.some((each) => each !== '' && each !== 'TLS' && !versions.includes(each)))
    found.leave(`a protocol of bundle "${name}"`, 'it is no version of TLS that there is here');
  return {
    name,
    service: name,
    hosts: [],
    ...(alias !== undefined && { alias }),
    // A truststore stands in place of the roots of Java.
    ...(ca !== undefined && { ca: [ca], trust: 'only' as const }),
    ...(tls !== undefined && { rule: { tls } }),
  };
}

/** Takes an option out, so that what is left over is what was not read. */
function taker(held: Map<string, string>): (option: string) => string | undefined {
  return (option) => {
    const value = held.get(option);
    held.delete(option);
    return value === '' ? undefined : value;
  };
}

function placeOf(value: string | undefined, where: string, file: string, found: Findings): Place | undefined {
  if (value === undefined) return undefined;
  if (value.includes('-----BEGIN ')) return { text: value };
  const variable = /^\$\{([A-Za-z_]\w*)(?::[^}]*)?\}$/.exec(value)?.[1];
  if (variable !== undefined && /certificate|private key/.test(where)) return { env: variable };
  if (value.includes('${')) {
    found.leave(where, 'its path is put together when Spring runs: write the path');
    return undefined;
  }
  if (/^(?:base64|https?|ftp|jar):/i.test(value)) {
    found.leave(where, 'it is not a file: save it as one');
    return undefined;
  }
  // The class path is the folder of the settings; other paths are relative to where the program is started.
  if (/^classpath\*?:/i.test(value)) {
    const path = value.replace(/^classpath\*?:\/?/i, '');
    found.note(`the ${where} is on the class path: ${path} is taken from the folder of the settings`);
    return { path };
  }
  const path = value.replace(/^file:(?:\/\/(?=\/))?/i, '');
  const nested =
    /[\\/]src[\\/]main[\\/]resources[\\/][^\\/]+$/.test(file) && !/^(?:[\\/]|[a-z]:)/i.test(path);
  return { path: nested ? `../../../${path}` : path };
}

function secretOf(value: string | undefined): Secret | undefined {
  if (value === undefined) return undefined;
  const variable = /^\$\{([A-Za-z_]\w*)(?::[^}]*)?\}$/.exec(value)?.[1];
  return variable === undefined ? 'written' : { env: variable };
}

/** Who uses a bundle: an HTTP client, with the host of a service group, or a server. */
function usersOf(properties: Map<string, string>): {
  servers: Set<string>;
  clients: Set<string>;
  hosts: Map<string, string[]>;
} {
  const users = {
    servers: new Set<string>(),
    clients: new Set<string>(),
    hosts: new Map<string, string[]>(),
  };
  for (const [key, value] of properties) {
    const [, owner] = /^(.+)\.ssl\.bundle$/.exec(key) ?? [];
    if (owner === undefined) continue;
    const isServer = /(?:^|\.)server$/.test(owner);
    (isServer ? users.servers : users.clients).add(value);
    const base = properties.get(`${owner}.base-url`);
    if (base === undefined || !URL.canParse(base)) continue;
    const { protocol, hostname, port } = new URL(base);
    if (protocol !== 'https:') continue;
    const hosts = users.hosts.get(value) ?? [];
    users.hosts.set(value, hosts);
    hosts.push(port === '' ? hostname : `${hostname}:${port}`);
  }
  return users;
}

/** Here files are watched, all or none; with Spring those of a bundle that says so. */
function takeWatch(properties: Map<string, string>, bundles: Map<string, unknown>, found: Findings): void {
  const said = [...bundles.keys()].map((id) => properties.get(`spring.ssl.bundle.${id}.reload-on-update`));
  const never = said.filter((each) => each === 'false').length;
  if (never > 0 && !said.includes('true')) found.options.watch = false;
  else if (never > 0) found.leave('"reload-on-update": false', 'files are watched, all or none (`watch`)');
  const quiet = /^(\d+)(ms|s)?$/i.exec(properties.get('spring.ssl.bundle.watch.file.quiet-period') ?? '');
  if (quiet !== null && found.options.watch !== false)
    found.options.watch = { settle: Number(quiet[1]) * (quiet[2]?.toLowerCase() === 's' ? 1000 : 1) };
}

/** Names are compared as Spring binds them: `privateKey`, `private_key` and `private-key` are one. */
function plain(key: string): string {
  return key
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .replace(/\[\d+\]$/, '')
    .toLowerCase()
    .replace(/^key-store/, 'keystore')
    .replace(/^trust-store/, 'truststore');
}

/** What the name of a file does not tell, as that of standard input: `key=value`, where YAML has `key: value`. */
function isProperties(text: string, file: string): boolean {
  if (/\.(?:properties|ya?ml|json)$/i.test(file)) return /\.properties$/i.test(file);
  return /^[ \t]*spring\.[\w.[\]-]+[ \t]*=/m.test(text);
}

/** A document that holds under a profile is none that holds always. */
function withoutProfile(document: Map<string, string>, found: Findings): Map<string, string> {
  const [condition] = [...document].filter(([key]) => CONDITION.test(key));
  if (condition === undefined) return document;
  if ([...document.keys()].some((key) => /^spring\.ssl\.|\.ssl\.bundle$/.test(key)))
    found.leave(
      `the document for ${condition[1]}`,
      `it holds where ${condition[0].replace(/^spring\.(?:config\.activate\.)?/, '')} says so alone: import it by itself`,
    );
  return new Map();
}

const CONDITION = /^spring\.(?:config\.activate\.(?:on-profile|onProfile|on-cloud-platform)|profiles)$/;

function readDocument(document: unknown): Map<string, string> {
  const properties = new Map<string, string>();
  flatten(document, '', properties, 0);
  return properties;
}

function flatten(value: unknown, path: string, into: Map<string, string>, depth: number): void {
  if (depth > 30) return;
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object'))
    into.set(path, value.join(','));
  else if (isJson(value))
    for (const [key, each] of Object.entries(value))
      flatten(each, path === '' ? normal(key) : `${path}.${normal(key)}`, into, depth + 1);
  else if (value !== null && value !== undefined && !Array.isArray(value)) into.set(path, String(value));
}

/** Properties as `java.util.Properties` reads them. */
function readLines(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const whole = text.replace(/(?<!\\)((?:\\\\)*)\\\r?\n[ \t\f]*/g, '$1');
  for (const line of whole.split(/\r?\n/)) {
    const [whole, key] = /^\s*(?![#!])((?:\\.|[^\\=:\s])+)/.exec(line) ?? [];
    if (whole === undefined || key === undefined || key.length > LONGEST_KEY) continue;
    const value = line.slice(whole.length).replace(/^\s*[=:]?\s*/, '');
    const plainText = (part: string) =>
      part.replace(/\\(?:u([\da-fA-F]{4})|(.))/g, (_, code?: string, letter = '') =>
        code
          ? String.fromCharCode(Number.parseInt(code, 16))
          : ({ n: '\n', t: '\t', r: '\r', f: '\f' }[letter as 'n'] ?? letter),
      );
    const name = normal(plainText(key));
    const listed = /^(.*)\[\d+\]$/.exec(name)?.[1];
    if (listed === undefined) properties.set(name, plainText(value).trim());
    else if (lists.has(listed)) lists.get(listed)!.push(plainText(value));
    else lists.set(listed, [plainText(value)]);
  }
  for (const [name, items] of lists)
    properties.set(name, [properties.get(name), ...items].filter(Boolean).join(','));
  return properties;
}

/** The parts of a name that Spring knows; the name of a bundle stays as it is. */
function normal(key: string): string {
  return key
    .replace(/\bbaseUrl\b|\bbase_url\b/, 'base-url')
    .replace(/\breloadOnUpdate\b|\breload_on_update\b/, 'reload-on-update')
    .replace(/\bquietPeriod\b/, 'quiet-period');
}
