import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import {
  Set as AsnSet,
  type AsnType,
  BmpString,
  Constructed,
  Integer,
  Null,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
} from 'asn1js';

/** A certificate with its key, as PEM. */
interface Identity {
  readonly name: string;
  readonly cert: string;
  readonly key: string;
  readonly chain: string;
}

/**
 * How a PFX is encrypted:
 * - `'modern'`: PBES2, AES-256-CBC and PBKDF2 with HMAC-SHA-256, as OpenSSL 3 writes it.
 * - `'legacy-3des'`: PKCS#12's own 3DES for key and certificates, as Windows writes it ("TripleDES-SHA1").
 * - `'legacy-rc2'`: 3DES for the key, RC2-40 for the certificates, as old Windows and OpenSSL 1.x write it.
 *   OpenSSL 3, and so Node, cannot read it.
 */
export type PfxEncryption = 'modern' | 'legacy-3des' | 'legacy-rc2';

/** Options of {@link writePfx} and `certificate.pfx()`. */
export interface PfxOptions {
  /** `'modern'` unless given. */
  encryption?: PfxEncryption | undefined;
  /** The friendlyName of key and certificate: the certificate's name unless given; `false` for none. */
  friendlyName?: string | false | undefined;
  /** Rounds of key derivation, for the encryption and for the MAC; 2048 unless given. */
  iterations?: number | undefined;
  /** The hash of the MAC: SHA-256 for `'modern'`, SHA-1 for the others unless given; `false` for no MAC. */
  mac?: 'sha1' | 'sha256' | 'sha384' | 'sha512' | false | undefined;
  /** The intermediates: `false` leaves them out, a PEM text takes their place. */
  chain?: boolean | string | undefined;
}

/**
 * Write one or several certificates with their keys into one PFX (PKCS#12, RFC 7292).
 *
 * @throws {TypeError} where an option has no meaning.
 *
 * @example
 * ```ts
 * import { writePfx } from '@clientcert/testing';
 *
 * const pfx = await writePfx([alice, bob], 'secret', { encryption: 'legacy-3des' });
 * ```
 */
export async function writePfx(
  identities: readonly Identity[],
  passphrase: string,
  options: PfxOptions = {},
): Promise<Buffer> {
  const { encryption = 'modern', iterations = 2048 } = options;
  const scheme = SCHEMES[encryption];
  if (!scheme) {
    throw new TypeError(`Unknown PFX encryption "${encryption}": use ${Object.keys(SCHEMES).join(', ')}`);
  }
  const { mac = scheme.mac } = options;
  const derive = await loadKeyDerivation();
  const context: EncryptionContext = { passphrase, iterations, derive };

  const keys: AsnType[] = [];
  const certificates: AsnType[] = [];
  const chain = new Set<string>();
  for (const identity of identities) {
    const attributes = bagAttributes(identity, options.friendlyName);
    keys.push(keyBag(await scheme.key(privateKeyInfo(identity), context), attributes));
    certificates.push(certificateBag(derOf(identity.cert), attributes));
    for (const link of intermediates(identity, options.chain)) chain.add(link);
  }
  for (const link of chain) certificates.push(certificateBag(derOf(link)));

  const safe = encode(
    sequence(
      encryptedData(await scheme.certificates(encode(sequence(...certificates)), context)),
      data(encode(sequence(...keys))),
    ),
  );
  const authentication = mac === false ? [] : [macData(safe, mac, context)];
  return encode(sequence(new Integer({ value: 3 }), data(safe), ...authentication));
}

interface EncryptionContext {
  readonly passphrase: string;
  readonly iterations: number;
  readonly derive: KeyDerivation;
}

interface Encrypted {
  readonly algorithm: AsnType;
  readonly bytes: Buffer;
}

type Encrypt = (plain: Buffer, context: EncryptionContext) => Encrypted | Promise<Encrypted>;

const SCHEMES: {
  readonly [encryption in PfxEncryption]: { key: Encrypt; certificates: Encrypt; mac: 'sha1' | 'sha256' };
} = {
  modern: { key: encryptAes, certificates: encryptAes, mac: 'sha256' },
  'legacy-3des': { key: encryptTripleDes, certificates: encryptTripleDes, mac: 'sha1' },
  'legacy-rc2': { key: encryptTripleDes, certificates: encryptRc2, mac: 'sha1' },
};

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  aes256: '2.16.840.1.101.3.4.1.42',
  tripleDes: '1.2.840.113549.1.12.1.3',
  rc2: '1.2.840.113549.1.12.1.6',
} as const;

const HASHES: { readonly [hash: string]: { oid: string; length: number } } = {
  sha1: { oid: '1.3.14.3.2.26', length: 20 },
  sha256: { oid: '2.16.840.1.101.3.4.2.1', length: 32 },
  sha384: { oid: '2.16.840.1.101.3.4.2.2', length: 48 },
  sha512: { oid: '2.16.840.1.101.3.4.2.3', length: 64 },
};

function encryptAes(plain: Buffer, { passphrase, iterations }: EncryptionContext): Encrypted {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(passphrase, salt, iterations, 32, 'sha256'), iv);
  const derivation = algorithm(
    OID.pbkdf2,
    sequence(octets(salt), new Integer({ value: iterations }), algorithm(OID.hmacSha256, new Null())),
  );
  return {
    algorithm: algorithm(OID.pbes2, sequence(derivation, algorithm(OID.aes256, octets(iv)))),
    bytes: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

function encryptTripleDes(plain: Buffer, context: EncryptionContext): Encrypted {
  const salt = randomBytes(8);
  const key = context.derive(context, salt, 'key', 24, 'sha1');
  const cipher = createCipheriv('des-ede3-cbc', key, context.derive(context, salt, 'iv', 8, 'sha1'));
  return {
    algorithm: pbes1(OID.tripleDes, salt, context.iterations),
    bytes: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

/** OpenSSL 3 moved RC2 to its legacy provider, which Node does not load. */
async function encryptRc2(plain: Buffer, context: EncryptionContext): Promise<Encrypted> {
  const { default: forge } = await import('node-forge');
  const salt = randomBytes(8);
  const key = context.derive(context, salt, 'key', 5, 'sha1');
  const iv = context.derive(context, salt, 'iv', 8, 'sha1');
  const cipher = forge.rc2.createEncryptionCipher(key.toString('latin1'), 40);
  cipher.start(iv.toString('latin1'));
  cipher.update(forge.util.createBuffer(plain.toString('latin1')));
  cipher.finish();
  return {
    algorithm: pbes1(OID.rc2, salt, context.iterations),
    bytes: Buffer.from(cipher.output.getBytes(), 'latin1'),
  };
}

function pbes1(oid: string, salt: Buffer, iterations: number): AsnType {
  return algorithm(oid, sequence(octets(salt), new Integer({ value: iterations })));
}

type KeyDerivation = (
  context: EncryptionContext,
  salt: Buffer,
  purpose: keyof typeof PURPOSES,
  length: number,
  hash: string,
) => Buffer;

/** The diversifiers of RFC 7292 appendix B.3. */
const PURPOSES = { key: 1, iv: 2, mac: 3 } as const;

/** PKCS#12's own key derivation (RFC 7292 appendix B), which node:crypto does not have. */
async function loadKeyDerivation(): Promise<KeyDerivation> {
  const { default: forge } = await import('node-forge');
  return ({ passphrase, iterations }, salt, purpose, length, hash) => {
    const digest = forge.md.algorithms[hash as keyof typeof forge.md.algorithms].create();
    const bytes = forge.pkcs12.generateKey(
      passphrase,
      forge.util.createBuffer(salt.toString('latin1')),
      PURPOSES[purpose],
      iterations,
      length,
      digest,
    );
    return Buffer.from(bytes.getBytes(), 'latin1');
  };
}

function macData(safe: Buffer, hash: string, context: EncryptionContext): AsnType {
  const { oid, length } = HASHES[hash] ?? {};
  if (!oid || !length)
    throw new TypeError(`Unknown PFX mac "${hash}": use ${Object.keys(HASHES).join(', ')}`);
  const salt = randomBytes(8);
  const digest = createHmac(hash, context.derive(context, salt, 'mac', length, hash))
    .update(safe)
    .digest();
  return sequence(
    sequence(algorithm(oid, new Null()), octets(digest)),
    octets(salt),
    new Integer({ value: context.iterations }),
  );
}

/** Tells which key belongs to which certificate: both carry the SHA-1 of the certificate. */
function bagAttributes(identity: Identity, friendlyName: string | false | undefined): AsnSet {
  const localKeyId = octets(createHash('sha1').update(derOf(identity.cert)).digest());
  const attributes = [attribute(OID.localKeyId, localKeyId)];
  if (friendlyName !== false) {
    attributes.push(attribute(OID.friendlyName, new BmpString({ value: friendlyName ?? identity.name })));
  }
  return new AsnSet({ value: attributes });
}

function attribute(oid: string, value: AsnType): Sequence {
  return sequence(new ObjectIdentifier({ value: oid }), new AsnSet({ value: [value] }));
}

function keyBag({ algorithm, bytes }: Encrypted, attributes: AsnSet): AsnType {
  return bag(OID.keyBag, sequence(algorithm, octets(bytes)), attributes);
}

function certificateBag(der: Buffer, attributes?: AsnSet): AsnType {
  const value = sequence(new ObjectIdentifier({ value: OID.x509Certificate }), explicit(octets(der)));
  return bag(OID.certificateBag, value, attributes);
}

function bag(oid: string, value: AsnType, attributes?: AsnSet): AsnType {
  return sequence(new ObjectIdentifier({ value: oid }), explicit(value), ...(attributes ? [attributes] : []));
}

function intermediates(identity: Identity, chain: boolean | string | undefined): string[] {
  if (chain === false) return [];
  const text = typeof chain === 'string' ? chain : identity.chain;
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function privateKeyInfo(identity: Identity): Buffer {
  return derOf(identity.key);
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

/** A ContentInfo of type data (RFC 5652 section 4). */
function data(bytes: Buffer): AsnType {
  return sequence(new ObjectIdentifier({ value: OID.data }), explicit(octets(bytes)));
}

/** A ContentInfo of type encryptedData (RFC 5652 section 8). */
function encryptedData({ algorithm, bytes }: Encrypted): AsnType {
  const content = new Primitive({ idBlock: { tagClass: 3, tagNumber: 0 }, valueHex: bytes });
  const info = sequence(new ObjectIdentifier({ value: OID.data }), algorithm, content);
  return sequence(
    new ObjectIdentifier({ value: OID.encryptedData }),
    explicit(sequence(new Integer({ value: 0 }), info)),
  );
}

function algorithm(oid: string, parameters: AsnType): Sequence {
  return sequence(new ObjectIdentifier({ value: oid }), parameters);
}

function sequence(...value: AsnType[]): Sequence {
  return new Sequence({ value });
}

function octets(bytes: Buffer): OctetString {
  return new OctetString({ valueHex: bytes });
}

/** `[0] EXPLICIT` */
function explicit(value: AsnType): Constructed {
  return new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [value] });
}

function encode(value: AsnType): Buffer {
  return Buffer.from(value.toBER());
}
