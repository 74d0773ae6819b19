import { createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto';
import { ClientCertificateError } from '@clientcert/core';
import { keyDetailsOf, readSecret } from '@clientcert/core/enrolment';
import type { CheckedOptions, StepProvisioner } from './options.ts';

/** What signs a token, by curve or kind of key: RFC 7518, section 3.1; RFC 8037, section 3.1. */
const algorithms: Readonly<Record<string, readonly [name: string, hash: string | null]>> = {
  prime256v1: ['ES256', 'sha256'],
  secp384r1: ['ES384', 'sha384'],
  secp521r1: ['ES512', 'sha512'],
  rsa: ['RS256', 'sha256'],
  ed25519: ['EdDSA', null],
};

/** Seconds: as long as those of `step ca token` are good. */
const lifetime = 300;

/** A one-time token of a JWK provisioner, for one certificate with these names. */
export async function createToken(
  { name, key: secret }: StepProvisioner,
  { base, commonName, names, fingerprint }: CheckedOptions,
  signal: AbortSignal,
): Promise<string> {
  const { key, kid } = parseKey(await readSecret(secret, 'provisioner.key', signal, 'text'));
  const type = keyDetailsOf(key).namedCurve ?? key.asymmetricKeyType ?? '';
  const [alg, hash] = algorithms[type] ?? [];
  if (alg === undefined || hash === undefined) throw unusable('is of a kind that signs no tokens');
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: name,
    aud: new URL('1.0/sign', base).href,
    sub: commonName,
    sans: names,
    sha: fingerprint,
    jti: randomUUID(),
    iat: now,
    nbf: now,
    exp: now + lifetime,
  };
  const text = [{ alg, kid, typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

function parseKey(text: string): { key: KeyObject; kid: string } {
  try {
    const jwk = JSON.parse(text);
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    if (typeof jwk.kid === 'string') return { key, kid: jwk.kid };
  } catch {
    // What is said of it quotes it.
    throw unusable('is no private key as JSON (JWK)');
  }
  throw unusable('has no "kid"');
}

function unusable(what: string): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_FILE_CORRUPT', `provisioner.key ${what}`, {
    hint: 'It is what "step crypto jwk decrypt" prints for the encryptedKey of the provisioner.',
  });
}
