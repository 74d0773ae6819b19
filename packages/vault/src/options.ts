import { isIP } from 'node:net';
import { ClientCertificateError } from '@clientcert/core';
import { quote, snapshot } from '@clientcert/core/adapter';

/** A secret, the environment variable or file that holds it, or a function that returns it. Read anew for each login. */
export type Secret = string | { env: string } | { file: string | URL } | (() => string | Promise<string>);

/** With a token that there is. It is renewed for as long as Vault allows. */
export interface TokenLogin {
  /** By a token. */
  method: 'token';
  /** The token, as Vault or an agent handed it out. */
  token: Secret;
}

/**
 * As a machine that knows the id of its role, and a secret id where the role asks for one.
 *
 * @see https://developer.hashicorp.com/vault/docs/auth/approle
 */
export interface AppRoleLogin {
  /** By AppRole. */
  method: 'approle';
  /** The id of the role, which is no secret by itself. */
  roleId: Secret;
  /** Where the role asks for one. */
  secretId?: Secret | undefined;
  /** Where the method is mounted; `approle` unless written. */
  mount?: string | undefined;
}

/**
 * As the service account of a pod.
 *
 * @see https://developer.hashicorp.com/vault/docs/auth/kubernetes
 */
export interface KubernetesLogin {
  /** By the token of a service account. */
  method: 'kubernetes';
  /** The role of the method. */
  role: string;
  /** The token of the service account; that which Kubernetes mounts unless written. */
  jwt?: Secret | undefined;
  /** Where the method is mounted; `kubernetes` unless written. */
  mount?: string | undefined;
}

/** How to log in. */
export type VaultLogin = TokenLogin | AppRoleLogin | KubernetesLogin;

/** Where a certificate is issued, and what is to stand in it. */
export interface VaultOptions {
  /** `https:`, or `http:` on loopback, where an agent listens. `VAULT_ADDR` or `BAO_ADDR` unless written. */
  address?: string | URL | undefined;
  /** Of Vault Enterprise, HCP or OpenBao. */
  namespace?: string | undefined;
  /** How to log in: by a token, AppRole, or the service account of a pod. */
  login: VaultLogin;
  /** Where the PKI engine is mounted; `pki` unless written. */
  mount?: string | undefined;
  /** The role that issues. */
  role: string;
  /** The subject's common name. */
  commonName: string;
  /** Alternative names: hosts, IP addresses and URIs, told apart by their form. */
  names?: readonly string[] | undefined;
  /** Seconds, or as Vault writes durations (`'72h'`); the role's own unless written. */
  ttl?: number | string | undefined;
  /** `'p-256'` unless written. */
  keyType?: KeyType | undefined;
  /** In place of Node's own, where Vault has a private root: `createFetch` of `@clientcert/undici`. */
  fetch?: typeof globalThis.fetch | undefined;
}

export type KeyType = 'p-256' | 'p-384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

export interface CheckedOptions {
  /** Ends in `/v1/`. */
  readonly api: URL;
  readonly namespace: string | undefined;
  readonly login: VaultLogin;
  /** Where the certificate is asked for, behind `api`. */
  readonly path: string;
  readonly role: string;
  readonly commonName: string;
  readonly names: readonly string[];
  readonly ttl: number | string | undefined;
  readonly keyType: KeyType;
  readonly fetch: typeof globalThis.fetch;
}

const known = new Set([
  'address',
  'namespace',
  'login',
  'mount',
  'role',
  'commonName',
  'names',
  'ttl',
  'keyType',
  'fetch',
]);
const keyTypes: readonly string[] = ['p-256', 'p-384', 'rsa-2048', 'rsa-3072', 'rsa-4096'];

/** What each way to log in takes: `true` where it must be written. */
const logins: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  token: { token: true },
  approle: { roleId: true, secretId: false, mount: false },
  kubernetes: { role: true, jwt: false, mount: false },
};

/** @throws ERR_CLIENTCERT_CONFIG_INVALID */
export function checkOptions(given: VaultOptions): CheckedOptions {
  if (typeof given !== 'object' || given === null) throw invalid('the options are not an object');
  const options = snapshot(given);
  for (const name of Object.keys(options)) {
    if (!known.has(name))
      throw invalid(`there is no option ${quote(name, 'option')}`, `Known are: ${[...known].join(', ')}.`);
  }
  const { mount = 'pki', keyType = 'p-256', names = [], ttl, namespace } = options;
  const role = textOf(options.role, 'role');
  if (!Array.isArray(names)) throw invalid('names is not a list');
  for (const name of names) checkName(name);
  if (!keyTypes.includes(keyType)) throw invalid('keyType is unknown', `Known are: ${keyTypes.join(', ')}.`);
  if (ttl !== undefined && (secondsOf(ttl) ?? 0) <= 0)
    throw invalid('ttl is no duration', "Write seconds, or a duration such as '72h' or '1h30m'.");
  if (namespace !== undefined) textOf(namespace, 'namespace');
  if (options.fetch !== undefined && typeof options.fetch !== 'function')
    throw invalid('fetch is no function');
  return {
    api: apiOf(options.address ?? process.env.VAULT_ADDR ?? process.env.BAO_ADDR),
    namespace,
    login: checkLogin(options.login),
    path: `${pathOf(mount, 'mount')}/sign/${encodeURIComponent(role)}`,
    role,
    commonName: textOf(options.commonName, 'commonName'),
    names: [...names],
    ttl,
    keyType,
    fetch: options.fetch ?? globalThis.fetch,
  };
}

function apiOf(address: string | URL | undefined): URL {
  if (address === undefined || address === '')
    throw invalid('no address is written', 'Write address, or set VAULT_ADDR.');
  const url = URL.canParse(String(address)) ? new URL(String(address)) : undefined;
  if (!url) throw invalid('the address is no URL', "Write it as 'https://vault.example:8200'.");
  const local = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))
    throw invalid(
      'the address is not https:',
      'Tokens go there: plain http: is for an agent on loopback alone.',
    );
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid('the address holds more than scheme, host, port and path', 'Say how to log in as "login".');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/`;
  return url;
}

function checkLogin(given: VaultLogin): VaultLogin {
  const methods = Object.keys(logins).map((each) => `'${each}'`);
  const parts = Object.hasOwn(logins, given?.method) ? logins[given.method] : undefined;
  if (!parts) throw invalid('login says no method that is known', `Write method: ${methods.join(' or ')}.`);
  const login = snapshot(given) as unknown as Record<string, unknown>;
  for (const name of Object.keys(login)) {
    if (name !== 'method' && !Object.hasOwn(parts, name))
      throw invalid(
        `login has no ${quote(name, 'option')} with the method ${given.method}`,
        `Known are: ${Object.keys(parts).join(', ')}.`,
      );
  }
  for (const [name, needed] of Object.entries(parts)) {
    const value = login[name];
    if (value === undefined || value === '') {
      if (needed || value === '')
        throw invalid(
          `login.${name} is not written`,
          'A value that comes from an environment variable may be unset.',
        );
    } else if (name === 'mount') login.mount = pathOf(value, 'login.mount');
    else if (name === 'role') textOf(value, 'login.role');
    else if (!isSecret(value))
      throw invalid(
        `login.${name} is neither a text, { env }, { file } nor a function`,
        "Write { file: '/run/secrets/…' }, for example.",
      );
  }
  return login as unknown as VaultLogin;
}

function isSecret(value: unknown): value is Secret {
  if (typeof value === 'string' || typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { env, file } = value as { env?: unknown; file?: unknown };
  return env === undefined ? typeof file === 'string' || file instanceof URL : typeof env === 'string';
}

function textOf(value: unknown, name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (typeof value !== 'string' || value === '' || value.length > 1000 || /[\0-\x1f\x7f]/.test(value))
    throw invalid(`${name} is not a text`, `Write ${name}; what it is computed from may be missing.`);
  return value;
}

/** Segments, each escaped: no "..", and nothing that begins a query. */
function pathOf(value: unknown, name: string): string {
  const segments = textOf(value, name)
    .replace(/^\/+|\/+$/g, '')
    .split('/');
  if (segments.some((each) => each === '' || each === '.' || each === '..'))
    throw invalid(`${name} is no path of a mount`, "Write it as in Vault, such as 'pki' or 'pki/clients'.");
  return segments.map(encodeURIComponent).join('/');
}

function checkName(name: unknown): void {
  if (isIP(textOf(name, 'a name')) === 0 && !/^[\x21-\x7e]+$/.test(name as string))
    throw invalid('a name is not ASCII without blanks', 'Write an international host name in its xn-- form.');
}

/** The seconds of a duration as Vault writes it; `undefined` where it is none. */
export function secondsOf(ttl: number | string): number | undefined {
  if (typeof ttl === 'number') return Number.isFinite(ttl) ? ttl : undefined;
  if (/^\d+$/.test(ttl)) return Number(ttl);
  if (!/^(?:\d+(?:\.\d+)?[dhms])+$/.test(ttl)) return undefined;
  const units: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };
  return [...ttl.matchAll(/([\d.]+)([dhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * units[unit!]!,
    0,
  );
}

function invalid(message: string, hint?: string): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', `fromVault(): ${message}`, { hint });
}
