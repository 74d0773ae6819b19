import { childrenOf, type Element, numberOf, octetsOf, oidOf, open, SEQUENCE } from './der.ts';
import { digestSize, knowsHash, pbkdf2Kdf, scryptKdf, scryptMemory } from './kdf.ts';
import { corrupt, Problem } from './problem.ts';

const pbkdf2Oid = '1.2.840.113549.1.5.12';
const scryptOid = '1.3.6.1.4.1.11591.4.11';

/** Pseudo-random functions of PBKDF2 (RFC 8018 appendix B.1, RFC 8692) by OID. */
export const prfs: Record<string, string> = {
  '1.2.840.113549.2.6': 'md5',
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
  '1.2.840.113549.2.12': 'sha512-224',
  '1.2.840.113549.2.13': 'sha512-256',
  '2.16.840.1.101.3.4.2.13': 'sha3-224',
  '2.16.840.1.101.3.4.2.14': 'sha3-256',
  '2.16.840.1.101.3.4.2.15': 'sha3-384',
  '2.16.840.1.101.3.4.2.16': 'sha3-512',
};

/** A key derivation of PBES2 or PBMAC1 with its parameters. */
export interface Derivation {
  readonly title: string;
  /** What it costs: each block of the hash that the derived key takes is counted anew. */
  readonly rounds: number;
  /** Bytes it yields. */
  readonly length: number;
  derive(password: Buffer): Promise<Buffer>;
}

/** `keySize`: bytes that the cipher needs; undefined where the parameters must say it (PBMAC1). */
export function readDerivation(
  identifier: Element | undefined,
  keySize?: number,
  variable = false,
): Derivation {
  const [id, parameters] = open(identifier, SEQUENCE);
  const oid = oidOf(id);
  if (oid === pbkdf2Oid) return readPbkdf2(open(parameters, SEQUENCE), keySize, variable);
  if (oid === scryptOid) return readScrypt(open(parameters, SEQUENCE), keySize, variable);
  throw unsupported(`the key derivation ${oid}`);
}

function readPbkdf2(
  [saltElement, count, ...rest]: Element[],
  keySize: number | undefined,
  variable: boolean,
): Derivation {
  if (saltElement?.tag === SEQUENCE) throw unsupported('a PBKDF2 salt from another source');
  const salt = copyOf(saltElement);
  const rounds = readRounds(count);
  const given = rest[0]?.tag === 0x02 ? numberOf(rest[0]) : undefined;
  const prf = rest.find(({ tag }) => tag === SEQUENCE);
  const oid = prf === undefined ? '1.2.840.113549.2.7' : oidOf(childrenOf(prf)[0]);
  const hash = prfs[oid];
  if (hash === undefined || !knowsHash(hash)) throw unsupported(`the pseudo-random function ${oid}`);
  const length = keyLength(keySize, given, variable);
  return {
    title: `HMAC-${hash.toUpperCase()}, ${rounds} rounds`,
    rounds: rounds * Math.ceil(length / digestSize(hash)),
    length,
    derive: (password) => pbkdf2Kdf(password, salt, rounds, length, hash),
  };
}

function readScrypt(
  [saltElement, n, r, p, given]: Element[],
  keySize: number | undefined,
  variable: boolean,
): Derivation {
  const salt = copyOf(saltElement);
  const cost = { N: numberOf(n), r: numberOf(r), p: numberOf(p) };
  if (cost.N < 2 || !Number.isInteger(Math.log2(cost.N)) || cost.r === 0 || cost.p === 0)
    if (cost.N !== Number.POSITIVE_INFINITY)
      throw corrupt('holds scrypt parameters that scrypt does not allow');
  const mebibytes = Math.round(scryptMemory(cost) / 2 ** 20);
  if (mebibytes > maxScryptMebibytes)
    throw new Problem(
      'KDF_TOO_EXPENSIVE',
      `asks for ${mebibytes} MiB of memory to derive a key (scrypt N=${cost.N}, r=${cost.r}, p=${cost.p}); ${maxScryptMebibytes} MiB are allowed`,
      'Ask whoever made the file for one with usual parameters (N=16384, r=8, p=1).',
    );
  const length = keyLength(keySize, given === undefined ? undefined : numberOf(given), variable);
  return {
    title: `scrypt N=${cost.N} r=${cost.r} p=${cost.p}`,
    rounds: cost.N * cost.r * cost.p,
    length,
    derive: (password) => scryptKdf(password, salt, length, cost),
  };
}

/** OpenSSL's own default for what it opens is 32. */
const maxScryptMebibytes = 256;

function keyLength(needed: number | undefined, given: number | undefined, variable: boolean): number {
  if (needed !== undefined && !(variable && given !== undefined)) {
    if (given !== undefined && given !== needed)
      throw corrupt('asks for a key of another length than its cipher takes');
    return needed;
  }
  if (given === undefined || given === 0 || given > 512)
    throw corrupt('does not say how long the derived key is');
  return given;
}

/** `sha512-256` → `SHA-512/256`. */
export function hashTitle(hash: string): string {
  return hash
    .toUpperCase()
    .replace('SHA512-', 'SHA-512/')
    .replace(/^SHA(?=\d)(?!3-)/, 'SHA-');
}

/** Parameters outlive the plaintext that they may stand in, which is wiped. */
export function copyOf(element: Element | undefined): Buffer {
  const octets = octetsOf(element);
  if (octets.length > maxParameter) throw corrupt('holds a salt that is longer than any');
  return Buffer.from(octets);
}

/** Bytes of a salt or initialisation vector: 8 to 64 are usual. */
const maxParameter = 4096;

export function readRounds(element: Element | undefined): number {
  const rounds = numberOf(element);
  if (rounds === 0) throw corrupt('asks for a key derivation of 0 rounds');
  return rounds;
}

export function unsupported(what: string): Problem {
  return new Problem(
    'FORMAT_UNSUPPORTED',
    `uses ${what}, which is not supported`,
    'Export it again with AES-256 and SHA-256, for example: openssl pkcs12 -export -keypbe AES-256-CBC -certpbe AES-256-CBC -macalg sha256 …',
  );
}
