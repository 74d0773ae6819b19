import type { X509Certificate } from 'node:crypto';
import { keyDetailsOf, keyTypeOf } from '../load/key-type.ts';

/**
 * Whether the key of a certificate signs in one of these algorithms, as Node's `getSharedSigalgs` names them
 * (`RSA-PSS+SHA256`), over that version. Where it does not, OpenSSL sends an empty certificate and says nothing.
 *
 * Two pairs have one name: `rsa_pss_rsae_sha256` and `rsa_pss_pss_sha256`; `ecdsa_secp256r1_sha256` and, over TLS 1.3,
 * `ecdsa_brainpoolP256r1tls13_sha256`. The second of a pair is rarely taken without the first: it is taken to be there
 * where the name stands twice.
 *
 * Of a kind of key that is not known here it is taken to sign, if there is any algorithm that is not known either.
 *
 * @see RFC 8446, section 4.2.3; RFC 5246, section 7.4.1.4.1; RFC 8734 (brainpool); ML-DSA signs in TLS 1.3 alone
 */
export function canSign(
  certificate: X509Certificate,
  algorithms: readonly string[],
  protocol: string,
): boolean {
  const isTls13 = protocol === 'TLSv1.3';
  const has = (name: string, times = 1) => algorithms.filter((each) => each === name).length >= times;
  const hasSome = (...prefixes: string[]) =>
    algorithms.some((each) => prefixes.some((prefix) => each.startsWith(prefix)));
  const { namedCurve, hashAlgorithm } = keyDetailsOf(certificate.publicKey);
  const type = keyTypeOf(certificate);
  switch (type) {
    case 'rsa':
      return isTls13 ? hasSome('RSA-PSS+') : hasSome('RSA+', 'RSA-PSS+');
    case 'rsa-pss': {
      const hashes = ['SHA256', 'SHA384', 'SHA512'];
      const allowed = hashAlgorithm === undefined ? hashes : [hashAlgorithm.toUpperCase()];
      return allowed.some((hash) => has(`RSA-PSS+${hash}`, 2));
    }
    case 'ec': {
      if (!isTls13 || namedCurve === undefined) return hasSome('ECDSA+');
      const [hash, times] = curves[namedCurve] ?? [];
      return hash !== undefined && has(`ECDSA+${hash}`, times);
    }
    case 'ed25519':
      return hasSome('Ed25519');
    case 'ed448':
      return hasSome('Ed448');
    case 'dsa':
      return !isTls13 && hasSome('DSA+');
    case 'ml-dsa-44':
    case 'ml-dsa-65':
    case 'ml-dsa-87':
      return isTls13 && hasSome(`id-${type}`);
    default:
      return algorithms.some((each) => !known.some((prefix) => each.startsWith(prefix)));
  }
}

/** In TLS 1.3 each curve has one hash; and how often its name has to stand there. */
const curves: Readonly<Record<string, readonly [hash: string, times: number]>> = {
  prime256v1: ['SHA256', 1],
  secp384r1: ['SHA384', 1],
  secp521r1: ['SHA512', 1],
  brainpoolP256r1: ['SHA256', 2],
  brainpoolP384r1: ['SHA384', 2],
  brainpoolP512r1: ['SHA512', 2],
};

const known = ['RSA+', 'RSA-PSS+', 'ECDSA+', 'Ed25519', 'Ed448', 'DSA+', 'id-ml-dsa-'];
