import { BIT_STRING, childrenOf, type Element, INTEGER, OCTET_STRING, OID, oidOf, SEQUENCE } from './der.ts';
import { isContentType } from './pkcs7.ts';
import { isPasswordBased } from './scheme.ts';

/** What a DER value is, by its shape. */
export type Shape =
  | 'certificate'
  | 'request'
  | 'revocationList'
  | 'pkcs12'
  | 'pkcs7'
  | 'pkcs8'
  | 'encryptedPkcs8'
  | 'pkcs1'
  | 'sec1'
  | 'dsa'
  | 'publicKey'
  | 'parameters'
  | 'bcfks';

/** Tells what a DER or BER value is. Undefined where it has the shape of nothing that is known. */
export function shapeOf(element: Element): Shape | undefined {
  if (element.tag === OID) return 'parameters';
  if (element.tag !== SEQUENCE) return undefined;
  const children = childrenOf(element);
  const tags = children.map(({ tag }) => tag);
  const [first, second, third] = tags;
  if (first === SEQUENCE && second === SEQUENCE && third === BIT_STRING) return signedShape(children[0]!);
  if (first === INTEGER && second === SEQUENCE)
    // The third element tells PrivateKeyInfo's key from PFX's MacData; constructed where chunked.
    return third !== undefined && (third & ~0x20) === OCTET_STRING ? 'pkcs8' : 'pkcs12';
  if (first === INTEGER && second === INTEGER) {
    if (tags.length === 2) return 'publicKey';
    if (tags.length === 6 && tags.every((tag) => tag === INTEGER)) return 'dsa';
    return tags.length >= 9 ? 'pkcs1' : tags.length === 3 ? 'parameters' : undefined;
  }
  if (first === INTEGER && second === OCTET_STRING) return 'sec1';
  if (first === OID) return isContentType(oidOf(children[0])) ? 'pkcs7' : undefined;
  if (first === SEQUENCE && second === BIT_STRING) return 'publicKey';
  if (first === SEQUENCE && second !== undefined && (second & ~0x20) === OCTET_STRING)
    return startsWithPasswordBased(children[0]!) ? 'encryptedPkcs8' : undefined;
  if (first === SEQUENCE && second === SEQUENCE && tags.length === 2) return 'bcfks';
  return undefined;
}

/** Certificate, request and revocation list are all signed: what is signed tells them apart. */
function signedShape(signed: Element): Shape {
  const tags = childrenOf(signed).map(({ tag }) => tag);
  if (tags[0] === 0xa0) return 'certificate';
  if (tags[0] === SEQUENCE) return 'revocationList';
  // Version, subject, key against version, algorithm, issuer, times. A version 1 certificate starts with its serial.
  if (tags.length <= 4 && tags[2] === SEQUENCE && tags[3] !== SEQUENCE) return 'request';
  return tags[3] === SEQUENCE && tags[4] === SEQUENCE ? 'certificate' : 'revocationList';
}

function startsWithPasswordBased(algorithm: Element): boolean {
  const [id] = childrenOf(algorithm);
  return id?.tag === OID && isPasswordBased(oidOf(id));
}
