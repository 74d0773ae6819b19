import type { CaMaterial } from '@clientcert/core';
import { type KeyType, OptionCheck, type RenewingOptions, type Secret } from '@clientcert/core/enrolment';

/**
 * A provisioner of the type JWK: one-time tokens are made here, with its private key.
 *
 * @see https://smallstep.com/docs/step-ca/provisioners/#jwk
 */
export interface StepProvisioner {
  /** Its name. */
  name: string;
  /** Its private key: the JSON that `step crypto jwk decrypt` prints, with `kid`. */
  key: Secret;
}

/** Where a certificate is issued, and what is to stand in it. */
export interface StepCaOptions extends RenewingOptions {
  /** `https:`. */
  address: string | URL;
  /** SHA-256 of the root, as `step certificate fingerprint` prints it: the root is had from step-ca, and is all that is trusted. */
  fingerprint?: string | undefined;
  /** Roots of step-ca's own certificate, in place of `fingerprint`. */
  ca?: CaMaterial | readonly CaMaterial[] | undefined;
  /** For the first certificate: a one-time token, or what else a provisioner takes, such as a service account's. */
  token?: Secret | undefined;
  /** For the first certificate, in place of `token`. */
  provisioner?: StepProvisioner | undefined;
  /** The subject's common name: that of the token. */
  commonName: string;
  /** Alternative names: those of the token. The common name alone unless written. */
  names?: readonly string[] | undefined;
  /** Of the first certificate, and so of each: seconds, or a duration such as `'24h'`; the provisioner's own unless written. */
  ttl?: number | string | undefined;
  /** `'p-256'` unless written. */
  keyType?: KeyType | undefined;
  /** `false`: each certificate is for the key of the one before. A new key for each unless written. */
  rekey?: boolean | undefined;
}

export interface CheckedOptions {
  readonly base: URL;
  /** Hexadecimal, in lower case. */
  readonly fingerprint: string | undefined;
  readonly ca: CaMaterial | readonly CaMaterial[] | undefined;
  /** What paths in it are relative to. */
  readonly directory: string | undefined;
  readonly token: Secret | undefined;
  readonly provisioner: StepProvisioner | undefined;
  readonly commonName: string;
  readonly names: readonly string[];
  /** Seconds. */
  readonly lifetime: number | undefined;
  readonly keyType: KeyType;
  readonly rekey: boolean;
  readonly renewing: RenewingOptions;
}

const check = new OptionCheck('fromStepCa()');
const known = [
  'address',
  'fingerprint',
  'ca',
  'token',
  'provisioner',
  'commonName',
  'names',
  'ttl',
  'keyType',
  'rekey',
  'files',
  'onRenewed',
];

/** @throws ERR_CLIENTCERT_CONFIG_INVALID */
export function checkOptions(given: StepCaOptions): CheckedOptions {
  const options = check.known(given, known);
  const { token, provisioner, keyType = 'p-256', ttl, rekey = true, fingerprint, ca } = options;
  if (token !== undefined && provisioner !== undefined)
    throw check.invalid('token and provisioner are written', 'One of them makes the first certificate.');
  if (token === undefined && provisioner === undefined && options.files === undefined)
    throw check.invalid(
      'nothing says who asks for the first certificate',
      'Write token or provisioner, or files with a certificate that there is.',
    );
  if (typeof rekey !== 'boolean') throw check.invalid('rekey is neither true nor false');
  if (fingerprint !== undefined && ca !== undefined)
    throw check.invalid('fingerprint and ca are written', 'One of them says what is trusted.');
  const commonName = check.text(options.commonName, 'commonName');
  return {
    base: baseOf(options.address),
    fingerprint: fingerprint === undefined ? undefined : checkFingerprint(fingerprint),
    ca: check.ca(ca),
    directory: check.directory(),
    token: token === undefined ? undefined : check.secret(token, 'token'),
    provisioner: provisioner === undefined ? undefined : checkProvisioner(provisioner),
    commonName,
    names: check.names(options.names ?? [commonName]),
    lifetime: ttl === undefined ? undefined : check.duration(ttl, 'ttl'),
    keyType: check.keyType(keyType),
    rekey,
    renewing: check.renewing(options),
  };
}

function baseOf(address: string | URL): URL {
  const url = check.secureAddress(address, 'https://ca.example');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/`;
  return url;
}

function checkFingerprint(written: string): string {
  const digits = check.text(written, 'fingerprint').replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw check.invalid(
    'fingerprint is no SHA-256',
    'Write the 64 digits that "step certificate fingerprint root_ca.crt" prints.',
  );
}

function checkProvisioner(given: StepProvisioner): StepProvisioner {
  const { name, key } = check.known(given, ['name', 'key'], 'provisioner');
  return { name: check.text(name, 'provisioner.name'), key: check.secret(key, 'provisioner.key') };
}
