/** The clients there is a form for. */
export type Client = 'axios' | 'got' | 'soap' | 'undici' | 'fetch' | 'https';
/** What the certificate came in. */
export type FileKind = 'pfx' | 'pair' | 'pem' | 'jks' | 'directory' | 'token';
export type TlsChoice = 'default' | 'TLSv1.2' | 'TLSv1.3' | 'legacy';

/** A certificate, and what it is pinned to. */
export interface Certificate {
  name: string;
  kind: FileKind;
  encrypted: boolean;
  /** Of a key on a token: its PKCS#11 URI. */
  token: string;
  /** Of a key on a token: whether an engine reaches it, and no OpenSSL provider. */
  engine: boolean;
  privateRoot: boolean;
  /** One host pattern a line. */
  hosts: string;
  /** `Name: host, host` or `Name`, one a line. */
  services: string;
  tls: TlsChoice;
}

/** What the form holds: the first certificate, and others beside it. */
export interface Answers extends Certificate {
  client: Client;
  proxy: 'unset' | 'env' | 'false';
  others: Certificate[];
}

/** What the page shows. */
export interface Built {
  config: Record<string, unknown>;
  json: string;
  esm: string;
  commonjs: string;
  install: string;
}

/** What is wrong with a field of a certificate, by its name. */
export type Mistakes = { [Field in keyof Certificate]?: string | undefined };

const certificate: Certificate = {
  name: 'bank',
  kind: 'pfx',
  encrypted: true,
  token: 'pkcs11:token=bank;object=client',
  engine: false,
  privateRoot: false,
  hosts: 'api.bank.example',
  services: '',
  tls: 'default',
};

export const start: Answers = { ...certificate, client: 'axios', proxy: 'unset', others: [] };

/** One more, under a name that is free, for the person to say where it goes. */
export function addCertificate(answers: Answers): void {
  const taken = certificatesOf(answers).map(({ name }) => name.trim());
  let count = taken.length + 1;
  while (taken.includes(`certificate-${count}`)) count++;
  answers.others.push({ ...certificate, name: `certificate-${count}`, hosts: '' });
}

/** All of them; the first is held by the answers themselves. */
function certificatesOf(answers: Answers): Certificate[] {
  return [answers, ...answers.others];
}

/**
 * What a user should be told before anything is shown, for each certificate: what is written twice is told where it
 * stands the second time. The library checks more: public suffixes, conflicts.
 */
export function findMistakes(answers: Answers): Mistakes[] {
  const all = certificatesOf(answers);
  return all.map((one, index) => {
    const mistakes = findOwnMistakes(one);
    const before = all.slice(0, index);
    mistakes.name ??= twice(
      [one.name.trim()],
      before.map(({ name }) => name.trim()),
    );
    mistakes.hosts ??= twice(
      linesOf(one.hosts).map(canonical),
      before.flatMap(({ hosts }) => linesOf(hosts).map(canonical)),
    );
    mistakes.services ??= twice(namesOf(one), before.flatMap(namesOf));
    for (const field of ['name', 'token', 'hosts', 'services'] as const)
      if (!mistakes[field]) delete mistakes[field];
    return mistakes;
  });
}

function namesOf({ services }: Certificate): string[] {
  return parseServices(services).map(({ name }) => name);
}

function twice(values: readonly string[], before: readonly string[]): string | undefined {
  const found = values.find((value) => before.includes(value));
  return found === undefined ? undefined : `${found} is written above already`;
}

function findOwnMistakes({ name, kind, token, hosts, services }: Certificate): Mistakes {
  const mistakes: Mistakes = {};
  if (kind === 'token') mistakes.token = checkToken(token.trim());
  if (name.trim() === '') mistakes.name = 'Give it a name, such as bank.';
  else if (!/^\w+(?:[.-]\w+)*$/.test(name.trim()))
    mistakes.name = 'Letters, digits, single dots and dashes between them.';
  const patterns = linesOf(hosts);
  if (patterns.length === 0 && linesOf(services).length === 0) mistakes.hosts = 'Name at least one host.';
  mistakes.hosts ??= patterns.map(checkHost).find(Boolean) ?? duplicate(patterns.map(canonical));
  const named = parseServices(services);
  mistakes.services =
    named.flatMap(({ hosts: own }) => own.map(checkHost)).find(Boolean) ??
    named.map(({ hosts: own }) => duplicate(own.map(canonical))).find(Boolean) ??
    (named.some((service) => service.name === '') ? 'A service needs a name.' : undefined) ??
    duplicate(named.map((service) => service.name));
  return mistakes;
}

/** Config, code and install line for answers without mistakes. */
export function build(answers: Answers): Built {
  const config = configOf(answers);
  const json = JSON.stringify(config, null, 2);
  return {
    config,
    json,
    esm: codeOf(answers, config, 'esm'),
    commonjs: codeOf(answers, config, 'commonjs'),
    install: `npm install ${clients[answers.client].packages}`,
  };
}

function configOf(answers: Answers): Record<string, unknown> {
  const all = certificatesOf(answers);
  const hosts = all.flatMap((one) => linesOf(one.hosts).map((host) => [host, ruleOf(one)]));
  const services = all.flatMap((one) =>
    parseServices(one.services).map(({ name, hosts: own }) => [name, ruleOf(one, own)]),
  );
  return {
    certificates: Object.fromEntries(all.map((one) => [one.name.trim(), sourceOf(one, one.name.trim())])),
    ...(hosts.length > 0 && { hosts: Object.fromEntries(hosts) }),
    ...(services.length > 0 && { services: Object.fromEntries(services) }),
    ...(answers.proxy !== 'unset' && { proxy: answers.proxy === 'env' ? 'env' : false }),
  };
}

function ruleOf(one: Certificate, hosts: readonly string[] = []): unknown {
  const name = one.name.trim();
  const tls = versions[one.tls];
  if (tls === undefined && hosts.length === 0) return name;
  return { certificate: name, ...(tls !== undefined && { tls }), ...(hosts.length > 0 && { hosts }) };
}

const versions: Readonly<Record<TlsChoice, unknown>> = {
  default: undefined,
  'TLSv1.2': 'TLSv1.2',
  'TLSv1.3': 'TLSv1.3',
  legacy: { min: 'TLSv1', legacy: true },
};

function sourceOf(one: Certificate, name: string): Record<string, unknown> {
  const { kind, encrypted, privateRoot, token, engine } = one;
  const files: Readonly<Record<FileKind, Record<string, string>>> = {
    pfx: { pfx: `${name}.pfx` },
    pair: { cert: `${name}.crt`, key: `${name}.key` },
    pem: { cert: `${name}.pem` },
    jks: { pfx: `${name}.jks` },
    directory: { dir: `/var/run/secrets/${name}` },
    token: { cert: `${name}.pem`, key: token.trim(), ...(engine && { engine: libp11 }) },
  };
  const [secret, variable] = kind === 'token' ? ['pin', 'PIN'] : ['passphrase', 'PASSPHRASE'];
  return {
    ...files[kind],
    ...(encrypted && { [secret]: { env: `${name.toUpperCase().replaceAll(/\W/g, '_')}_${variable}` } }),
    ...(privateRoot && { ca: `${name}-root.pem` }),
  };
}

const libp11 = '/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so';

/** RFC 7512, as far as a key is named. The library checks more. */
function checkToken(uri: string): string | undefined {
  if (/[;?&]pin-(?:value|source)=/i.test(uri)) return 'Leave the PIN out: it is given as `pin`.';
  const attribute = /^[A-Za-z0-9_-]+=(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&/|]|%[0-9A-Fa-f]{2})*$/;
  const attributes = uri.replace(/^pkcs11:/i, '').split(';');
  const names = attributes.map((each) => each.split('=')[0]!);
  if (!/^pkcs11:/i.test(uri) || !attributes.every((each) => attribute.test(each)))
    return 'Write it as pkcs11:token=bank;object=client; a space is %20.';
  if (!names.some((each) => ['token', 'serial', 'object', 'id'].includes(each)))
    return 'Name the token or the key: token=, serial=, object= or id=.';
  if (attributes.some((each) => each.startsWith('type=') && each !== 'type=private'))
    return 'Write type=private, or leave it out.';
  return duplicate(names);
}

/** Who calls: with the certificate of the host, or as a service, given as JavaScript. */
interface Caller {
  url: string;
  service: string | undefined;
  /** Whether the service is to apply wherever it is called. */
  anywhere: boolean;
}

interface Recipe {
  packages: string;
  adapter: string;
  ours: string;
  /** What is imported from the client, and how `require` names it where that differs. */
  theirs?: string;
  required?: string;
  module?: string;
  use: (caller: Caller) => string;
}

const clients: Readonly<Record<Client, Recipe>> = {
  axios: {
    packages: '@clientcert/axios axios',
    adapter: '@clientcert/axios',
    ours: 'clientCertificates, loadCredentials',
    theirs: 'axios',
    use: ({ url, service }) =>
      `const api = axios.create();\nclientCertificates(api, credentials);\napi.get('${url}'${service ? `, { clientCertificate: ${service} }` : ''}).then(({ data }) => console.log(data));`,
  },
  got: {
    packages: '@clientcert/got got',
    adapter: '@clientcert/got',
    ours: 'clientCertificates, loadCredentials',
    theirs: 'got',
    required: '{ got }', // an ES module, whose default export require() does not unwrap
    use: ({ url, service }) =>
      `const api = got.extend(clientCertificates(credentials${asService(service)}));\napi('${url}').text().then(console.log);`,
  },
  soap: {
    packages: '@clientcert/soap soap',
    adapter: '@clientcert/soap',
    ours: 'loadCredentials, soapOptions',
    theirs: 'soap',
    use: ({ url, service }) =>
      `const options = soapOptions(credentials${asService(service)});\nsoap.createClientAsync('${url}?wsdl', options).then((client) => console.log(client.describe()));`,
  },
  undici: {
    packages: '@clientcert/undici undici',
    adapter: '@clientcert/undici',
    ours: 'createDispatcher, loadCredentials',
    theirs: '{ request }',
    module: 'undici',
    use: ({ url, service, anywhere }) => {
      const who = anywhere ? `{ service: ${service}, origin: '${new URL(url).origin}' }` : service;
      const options = `{ dispatcher${who ? `, clientCertificate: ${who}` : ''} }`;
      return `const dispatcher = createDispatcher(credentials);\nrequest('${url}', ${options}).then(({ statusCode }) => console.log(statusCode));`;
    },
  },
  fetch: {
    packages: '@clientcert/undici undici',
    adapter: '@clientcert/undici',
    ours: 'createFetch, loadCredentials',
    use: ({ url, service }) =>
      `const fetch = createFetch(credentials${asService(service)});\nfetch('${url}').then((response) => console.log(response.status));`,
  },
  https: {
    packages: '@clientcert/core',
    adapter: '@clientcert/core',
    ours: 'loadCredentials',
    theirs: 'https',
    module: 'node:https',
    use: ({ url, service, anywhere }) => {
      const origin = anywhere ? `, origin: '${new URL(url).origin}'` : '';
      const agent = `credentials.agent(${service ? `{ service: ${service}${origin} }` : ''})`;
      return `https.get('${url}', { agent: ${agent} }, (response) => response.pipe(process.stdout));`;
    },
  },
};

function asService(service: string | undefined): string {
  return service ? `, { service: ${service} }` : '';
}

function codeOf(answers: Answers, config: Record<string, unknown>, system: 'esm' | 'commonjs'): string {
  const { adapter, ours, theirs, required = theirs, module = theirs, use } = clients[answers.client];
  const body = use(callerOf(answers));
  const imports =
    system === 'esm'
      ? [`import { ${ours} } from '${adapter}';`, theirs && `import ${theirs} from '${module}';`]
      : [`const { ${ours} } = require('${adapter}');`, theirs && `const ${required} = require('${module}');`];
  const top = imports.filter(Boolean).join('\n');
  const load = `loadCredentials(${literal(config, '')})`;
  if (system === 'esm') return `${top}\n\nconst credentials = await ${load};\n\n${body}\n`;
  return `${top}\n\n${load}.then((credentials) => {\n  ${body.replaceAll('\n', '\n  ')}\n});\n`;
}

/** The first service, where there is one, at the first host that sees the certificate. */
function callerOf({ hosts, services }: Answers): Caller {
  const [service] = parseServices(services);
  const pattern = [...(service?.hosts ?? []), ...linesOf(hosts), 'api.bank.example'][0]!;
  const host = pattern.replace(/^\*/, 'www').replace(/:\*$/, '');
  return {
    url: `https://${host}/`,
    service: service && literal(service.name, ''),
    anywhere: service !== undefined && service.hosts.length === 0,
  };
}

/** A value as JavaScript, in the style of the examples. */
function literal(value: unknown, indent: string): string {
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map((each) => literal(each, indent)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const inner = `${indent}  `;
  const entries = Object.entries(value).map(
    ([key, each]) => `${/^[a-z_$][\w$]*$/i.test(key) ? key : literal(key, '')}: ${literal(each, inner)}`,
  );
  const line = `{ ${entries.join(', ')} }`;
  if (line.length < 80 && indent !== '') return line;
  return `{\n${entries.map((each) => `${inner}${each},`).join('\n')}\n${indent}}`;
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

function parseServices(text: string): { name: string; hosts: string[] }[] {
  return linesOf(text).map((line) => {
    const [name = '', rest = ''] = line.split(/:(.*)/s);
    const hosts = rest
      .split(',')
      .map((host) => host.trim())
      .filter(Boolean);
    return { name: name.trim(), hosts };
  });
}

function checkHost(pattern: string): string | undefined {
  if (/^[a-z]+:\/\//i.test(pattern)) return `${pattern}: a host only, without https://`;
  if (/[/?#@\s]/.test(pattern)) return `${pattern}: a host only, without path, query or user`;
  const [, host = '', port] = /^(.*?)(?::([^:\]]*))?$/.exec(pattern) ?? [];
  if (
    port !== undefined &&
    port !== '*' &&
    !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
  ) {
    return `${pattern}: the port is a number up to 65535, or *`;
  }
  const name = host.replace(/^\*\./, '');
  if (name.includes('*')) return `${pattern}: * only alone, as the first label`;
  const isName = name.split('.').every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  const isAddress = /^\[[0-9a-f:.]+\]$/i.test(name);
  if (!isName && !(isAddress && URL.canParse(`https://${name}`))) return `${pattern}: this is no host`;
  if (host !== name && (isAddress || /^[\d.]+$/.test(name)))
    return `${pattern}: * stands for no part of an address`;
  if (!URL.canParse(`https://${name}`)) return `${pattern}: this is no host`;
  if (host !== name && !name.includes('.')) return `${pattern}: this stands for everything below .${name}`;
  return undefined;
}

/** As the library compares hosts: lower case, port 443 unless written. */
function canonical(pattern: string): string {
  const [, host = '', port = '443'] = /^(.*?)(?::(\d+|\*))?$/.exec(pattern) ?? [];
  const name = host.replace(/^\*\./, '');
  const url = URL.canParse(`https://${name}`) ? new URL(`https://${name}`).hostname : name;
  return `${host === name ? '' : '*.'}${url}:${port === '*' ? port : Number(port)}`;
}

function duplicate(values: string[]): string | undefined {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  return twice === undefined ? undefined : `${twice} is written twice`;
}
