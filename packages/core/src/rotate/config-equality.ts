import { types } from 'node:util';
import { isUrl } from '../url.ts';

/**
 * Whether two parts of a config say the same: by content for text, bytes and URLs, by identity for functions.
 * (`util.isDeepStrictEqual` takes any two URLs for equal on Node 20.)
 */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isUrl(a) || isUrl(b)) return isUrl(a) && isUrl(b) && a.href === b.href;
  if (types.isUint8Array(a) || types.isUint8Array(b)) {
    return types.isUint8Array(a) && types.isUint8Array(b) && Buffer.compare(a, b) === 0;
  }
  if (Array.isArray(a) !== Array.isArray(b) || !isPlain(a) || !isPlain(b)) return false;
  const keys = writtenKeys(a);
  return (
    keys.length === writtenKeys(b).length &&
    keys.every((key) => isEqual(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}

/** What is neither a list nor plain data has its contents elsewhere: an `X509Certificate` has no key of its own. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** An option that is `undefined` is one that is not written. */
function writtenKeys(value: object): string[] {
  return Object.keys(value).filter((key) => value[key as keyof typeof value] !== undefined);
}
