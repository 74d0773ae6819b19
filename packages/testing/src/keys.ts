import { createPrivateKey, generateKeyPair, KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * The kind of key to generate. `'ec'` is P-256, `'rsa'` is 2048 bits; an object names another curve or size.
 * An EC curve is any name that Node's OpenSSL knows: `'P-384'`, `'secp256k1'`, `'brainpoolP256r1'`.
 * ML-DSA (FIPS 204) needs Node 24 or newer.
 */
export type KeyType =
  | 'ec'
  | 'rsa'
  | 'rsa-pss'
  | 'ed25519'
  | 'ed448'
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87'
  | { ec: string }
  | { rsa: number };

/** The hash under a signature. Ed25519, Ed448 and ML-DSA have their own and ignore it. */
export type SignatureHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

const generate = promisify(generateKeyPair) as unknown as (
  type: string,
  options: object,
) => Promise<{ privateKey: KeyObject }>;

/** A new private key, generated off the event loop. */
export async function generateKey(type: KeyType = 'ec'): Promise<KeyObject> {
  const [name, options] = parameters(type);
  try {
    return (await generate(name, options)).privateKey;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!name.startsWith('ml-dsa-') || code !== 'ERR_INVALID_ARG_VALUE') throw error;
    throw new TypeError(`This Node makes no key of type "${name}": use Node 24 or newer`, { cause: error });
  }
}

function parameters(type: KeyType): [string, object] {
  if (typeof type === 'object') {
    return 'ec' in type ? ['ec', { namedCurve: type.ec }] : ['rsa', { modulusLength: type.rsa }];
  }
  if (type === 'ec') return ['ec', { namedCurve: 'P-256' }];
  if (type === 'rsa' || type === 'rsa-pss') return [type, { modulusLength: 2048 }];
  if (type === 'ed25519' || type === 'ed448' || /^ml-dsa-(44|65|87)$/.test(type)) return [type, {}];
  throw new TypeError(
    `Unknown key type "${type}": use 'ec', 'rsa', 'rsa-pss', 'ed25519', 'ed448', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87', { ec } or { rsa }`,
  );
}

/** A key that the caller brings: PEM text or a `KeyObject`. */
export function importKey(key: string | KeyObject): KeyObject {
  return key instanceof KeyObject ? key : createPrivateKey(key);
}
