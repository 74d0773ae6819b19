import { quote, snapshot, variable } from '@clientcert/core/adapter';
import { type KeyType, OptionCheck, type RenewingOptions, type Secret } from '@clientcert/core/enrolment';
import { fetchDirectly } from './loopback.ts';

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
export interface VaultOptions extends RenewingOptions {
  /** `https:`, or `http:` on loopback, where an agent listens, past every proxy. `VAULT_ADDR` or `BAO_ADDR` unless written. */
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
  /** As it was written. */
  readonly ttl: string | undefined;
  /** Seconds. */
  readonly lifetime: number | undefined;
  readonly keyType: KeyType;
  readonly renewing: RenewingOptions;
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
}

const check = new OptionCheck('fromVault()');
const known = [
  'address',
  'namespace',
  'login',
  'mount',
  'role',
  'commonName',
  'names',
  'ttl',
  'keyType',
  'files',
  'onRenewed',
  'fetch',
];

/** What each way to log in takes: `true` where it must be written. */
const logins: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  token: { token: true },
  approle: { roleId: true, secretId: false, mount: false },
  kubernetes: { role: true, jwt: false, mount: false },
};

/** @throws ERR_CLIENTCERT_CONFIG_INVALID */
export function checkOptions(given: VaultOptions): CheckedOptions {
  const options = check.known(given, known);
  const { mount = 'pki', keyType = 'p-256', names = [], ttl, namespace } = options;
  const role = check.text(options.role, 'role');
  if (namespace !== undefined) check.text(namespace, 'namespace');
  if (options.fetch !== undefined && typeof options.fetch !== 'function')
    throw check.invalid('fetch is no function');
  const api = apiOf(options.address ?? variable('VAULT_ADDR') ?? variable('BAO_ADDR'));
  return {
    api,
    namespace,
    login: checkLogin(options.login),
    path: `${pathOf(mount, 'mount')}/sign/${encodeURIComponent(role)}`,
    role,
    commonName: check.text(options.commonName, 'commonName'),
    names: check.names(names),
    ttl: ttl === undefined ? undefined : String(ttl),
    lifetime: ttl === undefined ? undefined : check.duration(ttl, 'ttl'),
    keyType: check.keyType(keyType),
    renewing: check.renewing(options),
    fetch: options.fetch ?? (api.protocol === 'http:' ? fetchDirectly : globalThis.fetch),
  };
}

function apiOf(address: string | URL | undefined): URL {
  const url = check.address(address, 'https://vault.example:8200', 'Write address, or set VAULT_ADDR.');
  const local = /^(?:localhost|\[::1\]|127(?:\.\d+){3})$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))
    throw check.invalid(
      'the address is not https:',
      "Write it as 'https://vault.example:8200'. Tokens go there: plain http: is for an agent on loopback alone.",
    );
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/`;
  return url;
}

function checkLogin(given: VaultLogin): VaultLogin {
  const methods = Object.keys(logins).map((each) => `'${each}'`);
  const parts = Object.hasOwn(logins, given?.method) ? logins[given.method] : undefined;
  if (!parts)
    throw check.invalid('login says no method that is known', `Write method: ${methods.join(' or ')}.`);
  const login = snapshot(given) as unknown as Record<string, unknown>;
  for (const name of Object.keys(login)) {
    if (name !== 'method' && !Object.hasOwn(parts, name))
      throw check.invalid(
        `login has no ${quote(name, 'option')} with the method ${given.method}`,
        `Known are: ${Object.keys(parts).join(', ')}.`,
      );
  }
  for (const [name, needed] of Object.entries(parts)) {
    const value = login[name];
    if (value === undefined && !needed) continue;
    if (name === 'mount') login.mount = pathOf(value, 'login.mount');
    else if (name === 'role') check.text(value, 'login.role');
    else login[name] = check.secret(value, `login.${name}`);
  }
  return login as unknown as VaultLogin;
}

/** Segments, each escaped: no "..", and nothing that begins a query. */
function pathOf(value: unknown, name: string): string {
  const segments = check
    .text(value, name)
    .replace(/^\/+|\/+$/g, '')
    .split('/');
  if (segments.some((each) => each === '' || each === '.' || each === '..'))
    throw check.invalid(
      `${name} is no path of a mount`,
      "Write it as in Vault, such as 'pki' or 'pki/clients'.",
    );
  return segments.map(encodeURIComponent).join('/');
}
