import type * as Crypto from 'node:crypto';
import { isAnyArrayBuffer } from 'node:util/types';

const identities = new WeakMap<object, number>();
let count = 0;
/** Adapters import this, and to import `node:crypto` loads all of Web Crypto too. */
let crypto: typeof Crypto | undefined;
let secret: Buffer | undefined;

/**
 * What tells one value of an option from another, and nothing of what it holds: bytes in whichever wrapping, texts,
 * lists and plain objects by what is in them; functions, keys and other objects by which they are.
 */
export function describeValue(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (isOpaque(value)) return identityOf(value);
  crypto ??= process.getBuiltinModule('node:crypto');
  secret ??= crypto.randomBytes(32);
  const digest = crypto.createHmac('sha256', secret);
  addTo(digest, value, 0);
  return digest.digest('base64url');
}

/** Deeper than any option goes; what lies below, and what holds itself, is told apart by which it is. */
const maxDepth = 8;

function addTo(digest: Crypto.Hmac, value: unknown, depth: number): void {
  const bytes = bytesOf(value);
  if (bytes) digest.update(`bytes ${bytes.length}\0`).update(bytes);
  else if (typeof value !== 'object' || value === null) {
    const text = String(value);
    digest.update(`${typeof value} ${text.length}\0${text}`);
  } else if (depth > maxDepth || isOpaque(value)) digest.update(`${identityOf(value)}\0`);
  else {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    digest.update(`${Array.isArray(value) ? 'list' : 'object'} ${entries.length}\0`);
    for (const [key, each] of entries) {
      digest.update(`${key.length}\0${key}`);
      if (typeof each === 'function') digest.update(`${identityOf(each)}\0`);
      else addTo(digest, each, depth + 1);
    }
  }
}

/** The bytes of a value that holds nothing else, in whichever wrapping; they are the value's own. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isAnyArrayBuffer(value) ? Buffer.from(value) : undefined;
}

/** Whether it is told apart by which it is. */
function isOpaque(value: unknown): value is object {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (ArrayBuffer.isView(value) || isAnyArrayBuffer(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null;
}

function identityOf(value: object): string {
  let id = identities.get(value);
  if (id === undefined) {
    count += 1;
    id = count;
    identities.set(value, id);
  }
  return `#${id}`;
}
