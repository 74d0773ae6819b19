import { createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { keyDetailsOf } from '../load/key-type.ts';
import { der, oid, sequence } from './der.ts';

/** What key is made for a certificate. */
export type KeyType = 'p-256' | 'p-384' | 'p-521' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

const generate = promisify(generateKeyPair);
const rsa = (modulusLength: number) => () => generate('rsa', { modulusLength });
const ec = (namedCurve: string) => () => generate('ec', { namedCurve });

const makers: Readonly<Record<KeyType, () => Promise<{ privateKey: KeyObject }>>> = {
  'p-256': ec('P-256'),
  'p-384': ec('P-384'),
  'p-521': ec('P-521'),
  'rsa-2048': rsa(2048),
  'rsa-3072': rsa(3072),
  'rsa-4096': rsa(4096),
};

export const keyTypes: readonly KeyType[] = Object.keys(makers) as KeyType[];

/** A new private key. */
export async function createKey(type: KeyType): Promise<KeyObject> {
  return (await makers[type]()).privateKey;
}

/** PKCS #8, in PEM. */
export function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** That of a key that there is; of a kind that is not made here, the nearest. */
export function keyTypeOf(key: KeyObject | undefined): KeyType {
  const { modulusLength: bits = 2048, namedCurve: curve } = key ? keyDetailsOf(key) : {};
  if (key?.asymmetricKeyType?.startsWith('rsa')) {
    return bits > 3072 ? 'rsa-4096' : bits > 2048 ? 'rsa-3072' : 'rsa-2048';
  }
  return curve === 'secp384r1' ? 'p-384' : curve === 'secp521r1' ? 'p-521' : 'p-256';
}

/** What signs a request: RFC 8017, appendix C; RFC 5758, section 3.2. */
const signatures = {
  rsa: { hash: 'sha256', algorithm: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)) },
  prime256v1: { hash: 'sha256', algorithm: sequence(oid('1.2.840.10045.4.3.2')) },
  secp384r1: { hash: 'sha384', algorithm: sequence(oid('1.2.840.10045.4.3.3')) },
  secp521r1: { hash: 'sha512', algorithm: sequence(oid('1.2.840.10045.4.3.4')) },
} as const;

/**
 * A request for a certificate (PKCS #10, RFC 2986), in DER.
 *
 * @param key One that {@link createKey} made.
 * @param subject A Name, in DER.
 * @param extensions What is asked for, by OID, each in DER.
 */
export function createRequest(
  key: KeyObject,
  subject: Uint8Array,
  extensions: ReadonlyMap<string, Uint8Array>,
): Buffer {
  const { hash, algorithm } =
    signatures[(key.asymmetricKeyDetails?.namedCurve ?? 'rsa') as keyof typeof signatures];
  const wanted = [...extensions].map(([id, value]) => sequence(oid(id), der(0x04, value)));
  const requested = sequence(oid('1.2.840.113549.1.9.14'), der(0x31, sequence(...wanted)));
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const info = sequence(der(0x02, Buffer.from([0])), subject, spki, der(0xa0, requested));
  return sequence(info, algorithm, der(0x03, Buffer.from([0]), sign(hash, info, key)));
}
