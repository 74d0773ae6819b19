import { type Cipher, ciphers, decrypt, rc2, rc4 } from './cipher.ts';
import { childrenOf, type Element, numberOf, OCTET_STRING, OID, oidOf, open, SEQUENCE } from './der.ts';
import { copyOf, hashTitle, readDerivation, readRounds, unsupported } from './derivation.ts';
import { javaTripleDesKdf, pbkdf1, pkcs12Kdf } from './kdf.ts';
import type { PasswordForm } from './passphrase.ts';
import { corrupt } from './problem.ts';

/** A password-based encryption scheme with its parameters, as an AlgorithmIdentifier spells them. */
export interface Scheme {
  /** For people: `PBES2 AES-256-CBC, HMAC-SHA256, 2048 rounds`. */
  readonly title: string;
  readonly cipher: Cipher;
  /** Something that OpenSSL once opened, and since version 3 only with a start flag. */
  readonly legacy: boolean;
  /** How the passphrase becomes bytes. */
  readonly form: PasswordForm;
  /** Rounds of key derivation this will cost. */
  readonly rounds: number;
  decrypt(password: Buffer, data: Buffer): Promise<Buffer>;
}

/** The encryption schemes of PKCS#12 (RFC 7292 appendix C, and Bouncy Castle's AES ones) by OID. */
const pkcs12Schemes: Record<string, readonly [title: string, hash: string, cipher: Cipher]> = {
  '1.2.840.113549.1.12.1.1': ['RC4-128', 'sha1', rc4(16)],
  '1.2.840.113549.1.12.1.2': ['RC4-40', 'sha1', rc4(5)],
  '1.2.840.113549.1.12.1.3': ['3DES', 'sha1', ciphers['des-ede3-cbc']!],
  '1.2.840.113549.1.12.1.4': ['2-key 3DES', 'sha1', ciphers['des-ede-cbc']!],
  '1.2.840.113549.1.12.1.5': ['RC2-128', 'sha1', rc2(16)],
  '1.2.840.113549.1.12.1.6': ['RC2-40', 'sha1', rc2(5)],
  '1.3.6.1.4.1.22554.1.1.2.1.2': ['AES-128-CBC', 'sha1', ciphers['aes-128-cbc']!],
  '1.3.6.1.4.1.22554.1.1.2.1.22': ['AES-192-CBC', 'sha1', ciphers['aes-192-cbc']!],
  '1.3.6.1.4.1.22554.1.1.2.1.42': ['AES-256-CBC', 'sha1', ciphers['aes-256-cbc']!],
  '1.3.6.1.4.1.22554.1.2.1.2.1.2': ['AES-128-CBC', 'sha256', ciphers['aes-128-cbc']!],
  '1.3.6.1.4.1.22554.1.2.1.2.1.22': ['AES-192-CBC', 'sha256', ciphers['aes-192-cbc']!],
  '1.3.6.1.4.1.22554.1.2.1.2.1.42': ['AES-256-CBC', 'sha256', ciphers['aes-256-cbc']!],
};

/** PBES1 of PKCS#5 (RFC 8018 appendix A.3) by OID. */
const pkcs5Schemes: Record<string, readonly [title: string, hash: string, cipher: Cipher]> = {
  '1.2.840.113549.1.5.3': ['MD5 and DES', 'md5', ciphers['des-cbc']!],
  '1.2.840.113549.1.5.6': ['MD5 and RC2-64', 'md5', rc2(8)],
  '1.2.840.113549.1.5.10': ['SHA-1 and DES', 'sha1', ciphers['des-cbc']!],
  '1.2.840.113549.1.5.11': ['SHA-1 and RC2-64', 'sha1', rc2(8)],
};

const pbes2 = '1.2.840.113549.1.5.13';
const sunJce = '1.3.6.1.4.1.42.2.19.1';
const rc2Cbc = '1.2.840.113549.3.2';

/** Ciphers of PBES2 (RFC 8018 appendix B.2, RFC 3657, RFC 5794, GB/T 33560) by OID. */
const pbes2Ciphers: Record<string, Cipher> = {
  '2.16.840.1.101.3.4.1.2': ciphers['aes-128-cbc']!,
  '2.16.840.1.101.3.4.1.22': ciphers['aes-192-cbc']!,
  '2.16.840.1.101.3.4.1.42': ciphers['aes-256-cbc']!,
  '1.2.840.113549.3.7': ciphers['des-ede3-cbc']!,
  '1.3.14.3.2.7': ciphers['des-cbc']!,
  '1.2.392.200011.61.1.1.1.2': ciphers['camellia-128-cbc']!,
  '1.2.392.200011.61.1.1.1.3': ciphers['camellia-192-cbc']!,
  '1.2.392.200011.61.1.1.1.4': ciphers['camellia-256-cbc']!,
  '1.2.410.200046.1.1.2': ciphers['aria-128-cbc']!,
  '1.2.410.200046.1.1.7': ciphers['aria-192-cbc']!,
  '1.2.410.200046.1.1.12': ciphers['aria-256-cbc']!,
  '1.2.410.200004.1.4': ciphers['seed-cbc']!,
  '1.2.156.10197.1.104.2': ciphers['sm4-cbc']!,
  '1.3.6.1.4.1.188.7.1.1.2': ciphers['idea-cbc']!,
  '1.3.6.1.4.1.3029.1.2': ciphers['bf-cbc']!,
  '1.2.840.113533.7.66.10': ciphers['cast5-cbc']!,
};

/** Whether an OID names a password-based encryption, known or not: arcs of PKCS#5 and PKCS#12, and the vendors'. */
export function isPasswordBased(oid: string): boolean {
  return (
    oid === sunJce ||
    oid in pkcs12Schemes ||
    oid.startsWith('1.2.840.113549.1.5.') ||
    oid.startsWith('1.2.840.113549.1.12.1.') ||
    oid.startsWith('1.3.6.1.4.1.22554.1.')
  );
}

/** The scheme that an AlgorithmIdentifier names. Reads parameters only; nothing is derived yet. */
export function readScheme(identifier: Element | undefined): Scheme {
  const [id, parameters] = open(identifier, SEQUENCE);
  const oid = oidOf(id);
  if (oid === pbes2) return readPbes2(parameters);
  const pkcs12 = pkcs12Schemes[oid];
  if (pkcs12 !== undefined) return readPkcs12Scheme(pkcs12, parameters);
  const pkcs5 = pkcs5Schemes[oid];
  if (pkcs5 !== undefined) return readPkcs5Scheme(pkcs5, parameters);
  if (oid === sunJce) return readSunJce(parameters);
  throw unsupported(`the encryption ${oid}`);
}

function readPkcs12Scheme(
  [name, hash, cipher]: readonly [string, string, Cipher],
  parameters: Element | undefined,
): Scheme {
  const { salt, rounds } = readSaltAndRounds(parameters);
  return {
    title: `PBES1 ${name}, ${hashTitle(hash)}, ${rounds} rounds`,
    cipher,
    legacy: cipher.legacy,
    form: 'bmp',
    rounds: cipher.blockSize === 1 ? rounds : 2 * rounds,
    async decrypt(password, data) {
      const derive = (purpose: 'key' | 'iv', length: number) =>
        pkcs12Kdf(hash, password, salt, rounds, purpose, length);
      const [key, iv] = await Promise.all([
        derive('key', cipher.keySize),
        cipher.blockSize === 1 ? Buffer.alloc(0) : derive('iv', cipher.blockSize),
      ]);
      return decrypt(cipher, key, iv, data);
    },
  };
}

function readPkcs5Scheme(
  [name, hash, cipher]: readonly [string, string, Cipher],
  parameters: Element | undefined,
): Scheme {
  const { salt, rounds } = readSaltAndRounds(parameters);
  return {
    title: `PBES1 ${name}, ${rounds} rounds`,
    cipher,
    legacy: true,
    form: 'octets',
    rounds,
    async decrypt(password, data) {
      const derived = await pbkdf1(hash, password, salt, rounds);
      return decrypt(cipher, derived.subarray(0, 8), derived.subarray(8, 16), data);
    },
  };
}

function readSunJce(parameters: Element | undefined): Scheme {
  const { salt, rounds } = readSaltAndRounds(parameters);
  if (salt.length !== 8) throw corrupt('holds a salt of the wrong length');
  const cipher = ciphers['des-ede3-cbc']!;
  return {
    title: `PBEWithMD5AndTripleDES, ${rounds} rounds`,
    cipher,
    legacy: false,
    form: 'octets',
    rounds: 2 * rounds,
    async decrypt(password, data) {
      const derived = await javaTripleDesKdf(password, salt, rounds);
      return decrypt(cipher, derived.subarray(0, 24), derived.subarray(24, 32), data);
    },
  };
}

function readSaltAndRounds(parameters: Element | undefined): { salt: Buffer; rounds: number } {
  const [salt, rounds] = open(parameters, SEQUENCE);
  return { salt: copyOf(salt), rounds: readRounds(rounds) };
}

function readPbes2(parameters: Element | undefined): Scheme {
  const [kdf, encryption] = open(parameters, SEQUENCE);
  // Java 8 to 10 wrote the whole identifier where its parameters belong (JDK-8202837).
  if (kdf?.tag === OID && oidOf(kdf) === pbes2) return readPbes2(encryption);
  const { cipher, iv } = readCipher(encryption);
  const derivation = readDerivation(kdf, cipher.keySize, cipher.variableKey);
  return {
    title: `PBES2 ${cipher.title}, ${derivation.title}`,
    cipher,
    legacy: cipher.legacy,
    form: 'octets',
    rounds: derivation.rounds,
    async decrypt(password, data) {
      return decrypt(cipher, await derivation.derive(password), iv, data);
    },
  };
}

function readCipher(identifier: Element | undefined): { cipher: Cipher; iv: Buffer } {
  const [id, parameters] = open(identifier, SEQUENCE);
  const oid = oidOf(id);
  if (oid === rc2Cbc) return readRc2(parameters);
  const cipher = pbes2Ciphers[oid];
  if (cipher === undefined) throw unsupported(`the cipher ${oid}`);
  // IDEA and CAST5 wrap the IV into a sequence; both are refused later, by name.
  const iv = parameters?.tag === SEQUENCE ? childrenOf(parameters)[0] : parameters;
  return { cipher, iv: copyOf(iv) };
}

/** RC2-CBC-Parameter, RFC 2268 section 6: a version that stands for the effective key bits, and the IV. */
function readRc2(parameters: Element | undefined): { cipher: Cipher; iv: Buffer } {
  if (parameters?.tag === OCTET_STRING) return { cipher: rc2(4, 32), iv: copyOf(parameters) };
  const children = open(parameters, SEQUENCE);
  const version = children.length > 1 ? numberOf(children[0]) : undefined;
  const bits = version === undefined ? 32 : (rc2Versions[version] ?? (version >= 256 ? version : 0));
  if (bits === 0 || bits > 1024) throw unsupported(`RC2 with key size version ${version}`);
  return { cipher: rc2(Math.ceil(bits / 8), bits), iv: copyOf(children.at(-1)) };
}

const rc2Versions: Record<number, number> = { 160: 40, 120: 64, 58: 128 };
