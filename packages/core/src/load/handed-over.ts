import { types } from 'node:util';
import { isPlain } from '../own.ts';
import { isUrl } from '../url.ts';

/**
 * A source, or a material, as it is when its owner hands it over: they may wipe its bytes, or write the next one's into them,
 * before they are read, and lead a URL elsewhere. What is of another class stays what it is.
 */
export function handedOver<Value>(value: Value, depth = 0): Value {
  if (types.isUint8Array(value)) return copyOfBytes(value) as Value;
  if (isUrl(value)) return new URL(value.href) as Value;
  if (typeof value !== 'object' || value === null || depth > deepest) return value;
  if (Array.isArray(value)) return value.map((each) => handedOver(each, depth + 1)) as Value;
  if (!isPlain(value)) return value;
  const copy = Object.create(null);
  for (const [name, each] of Object.entries(value)) copy[name] = handedOver(each, depth + 1);
  return copy;
}

/** Where there are still bytes below: `bundles` hold lists of stores, each with a `file`. */
const deepest = 3;

/** In memory of its own: small Buffers that Node copies share one, all of which each of them shows as its `buffer`. */
export function copyOfBytes(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** What is looked at by its names. Bytes and lists have one for each member, which may be millions. */
export function hasNames(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
