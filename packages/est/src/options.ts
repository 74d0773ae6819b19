import type { CaMaterial, FileSource } from '@clientcert/core';
import {
  type KeyType,
  OptionCheck,
  type Peer,
  type RenewingOptions,
  type Secret,
} from '@clientcert/core/enrolment';

/** HTTP Basic. It is sent where the server asks for it, and over TLS alone. */
export interface EstLogin {
  /** The name that the server knows. */
  user: string;
  /** Its password. */
  password: Secret;
}

/** Where a certificate is issued, and what is to stand in it. */
export interface EstOptions extends RenewingOptions {
  /** `https:`, without the path that every server of EST has (`/.well-known/est`). */
  address: string | URL;
  /** Which authority, or profile, where the server has several: a part of the path (RFC 7030, section 3.2.2). */
  label?: string | undefined;
  /** Roots of the server's own certificate, beside those of Node. */
  ca?: CaMaterial | readonly CaMaterial[] | undefined;
  /** `'only'`: trust nothing but `ca`. */
  trust?: 'only' | undefined;
  /** Who asks for the first certificate: by name and password. */
  login?: EstLogin | undefined;
  /** Who asks for the first certificate: by one that there is, such as that of the device's maker. */
  certificate?: FileSource | undefined;
  /** The subject's common name. */
  commonName: string;
  /** Alternative names: hosts, IP addresses, e-mail addresses and URIs, told apart by their form. */
  names?: readonly string[] | undefined;
  /** `'p-256'` unless written. */
  keyType?: KeyType | undefined;
}

export interface CheckedOptions {
  /** Ends in a slash. */
  readonly base: URL;
  readonly server: Pick<Peer, 'ca' | 'trust' | 'directory'>;
  readonly login: EstLogin | undefined;
  readonly certificate: FileSource | undefined;
  readonly commonName: string;
  readonly names: readonly string[];
  readonly keyType: KeyType;
  readonly renewing: RenewingOptions;
}

const check = new OptionCheck('fromEst()');
const known = [
  'address',
  'label',
  'ca',
  'trust',
  'login',
  'certificate',
  'commonName',
  'names',
  'keyType',
  'files',
  'onRenewed',
];

/** @throws ERR_CLIENTCERT_CONFIG_INVALID */
export function checkOptions(given: EstOptions): CheckedOptions {
  const options = check.known(given, known);
  const { certificate, keyType = 'p-256', names = [], label } = options;
  if (certificate !== undefined && (typeof certificate !== 'object' || certificate === null))
    throw check.invalid(
      'certificate is not a source',
      "Write it as in a config: { pfx: 'device.pfx' }, for example.",
    );
  return {
    base: baseOf(options.address, label),
    server: {
      ca: check.ca(options.ca),
      trust: check.trust(options.trust),
      directory: check.directory(),
    },
    login: options.login === undefined ? undefined : checkLogin(options.login),
    certificate: certificate && { ...certificate },
    commonName: check.text(options.commonName, 'commonName'),
    names: check.names(names),
    keyType: check.keyType(keyType),
    renewing: check.renewing(options),
  };
}

/** RFC 7030, section 3.2.2. */
const wellKnown = '/.well-known/est/';

function baseOf(address: string | URL, label: string | undefined): URL {
  const url = check.secureAddress(address, 'https://est.example');
  const path = `${url.pathname.replace(/\/+$/, '')}/`;
  if (path !== '/' && path !== wellKnown)
    throw check.invalid(
      'the address has a path',
      'It is always /.well-known/est; write what comes behind it as "label".',
    );
  if (label !== undefined && /^\.*$|\//.test(check.text(label, 'label')))
    throw check.invalid('label is no part of a path', 'Write it without slashes.');
  url.pathname = `${wellKnown}${label === undefined ? '' : `${encodeURIComponent(label)}/`}`;
  return url;
}

function checkLogin(given: EstLogin): EstLogin {
  const { user, password } = check.known(given, ['user', 'password'], 'login');
  // RFC 7617, section 2: what comes behind the first colon is the password.
  if (check.text(user, 'login.user').includes(':')) throw check.invalid('login.user holds a colon');
  return { user, password: check.secret(password, 'login.password') };
}
