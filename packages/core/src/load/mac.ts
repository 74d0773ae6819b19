import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Element, octetsOf, oidOf, open, SEQUENCE } from './der.ts';
import { copyOf, prfs, readDerivation, readRounds, unsupported } from './derivation.ts';
import { digestSize, knowsHash, pkcs12Kdf } from './kdf.ts';
import { type PasswordForm, spell } from './passphrase.ts';
import { corrupt } from './problem.ts';

/** What vouches for the integrity of a PKCS#12 file. */
export interface Mac {
  readonly title: string;
  readonly rounds: number;
  /** Which spelling of the passphrase fits, or undefined where none does. */
  verify(passphrase: string, content: Buffer): Promise<Buffer | undefined>;
}

const pbmac1 = '1.2.840.113549.1.5.14';

const digests: Record<string, string> = {
  '1.2.840.113549.2.5': 'md5',
  '1.3.14.3.2.26': 'sha1',
  '1.3.36.3.2.1': 'ripemd160',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.5': 'sha512-224',
  '2.16.840.1.101.3.4.2.6': 'sha512-256',
  '2.16.840.1.101.3.4.2.7': 'sha3-224',
  '2.16.840.1.101.3.4.2.8': 'sha3-256',
  '2.16.840.1.101.3.4.2.9': 'sha3-384',
  '2.16.840.1.101.3.4.2.10': 'sha3-512',
  '1.2.156.10197.1.401': 'sm3',
};

/** MacData of RFC 7292 section 4, with PBMAC1 of RFC 9579. Reads parameters only; nothing is derived yet. */
export function readMac(macData: Element): Mac {
  const [info, saltElement, count] = open(macData, SEQUENCE);
  const [algorithm, digestElement] = open(info, SEQUENCE);
  const [id, parameters] = open(algorithm, SEQUENCE);
  const expected = octetsOf(digestElement);
  const oid = oidOf(id);
  if (oid === pbmac1) return readPbmac1(parameters, expected);
  const hash = digests[oid];
  if (hash === undefined || !knowsHash(hash)) throw unsupported(`the MAC algorithm ${oid}`);
  checkLength(expected, hash);
  const salt = copyOf(saltElement);
  const rounds = count === undefined ? 1 : readRounds(count);
  return {
    title: `MAC HMAC-${hash.toUpperCase()}, ${rounds} rounds`,
    rounds,
    verify: (passphrase, content) =>
      findSpelling(passphrase, 'bmp', hash, expected, content, (password) =>
        pkcs12Kdf(hash, password, salt, rounds, 'mac', digestSize(hash)),
      ),
  };
}

function readPbmac1(parameters: Element | undefined, expected: Buffer): Mac {
  const [kdf, scheme] = open(parameters, SEQUENCE);
  const derivation = readDerivation(kdf);
  const oid = oidOf(open(scheme, SEQUENCE)[0]);
  const hash = prfs[oid];
  if (hash === undefined || !knowsHash(hash)) throw unsupported(`the MAC algorithm ${oid}`);
  checkLength(expected, hash);
  return {
    title: `PBMAC1 HMAC-${hash.toUpperCase()}, ${derivation.title}`,
    rounds: derivation.rounds,
    verify: (passphrase, content) =>
      findSpelling(passphrase, 'octets', hash, expected, content, (password) => derivation.derive(password)),
  };
}

/** Before anything is derived: the length would say how much is. */
function checkLength(expected: Buffer, hash: string): void {
  if (expected.length !== digestSize(hash)) throw corrupt('holds a MAC of the wrong length');
}

async function findSpelling(
  passphrase: string,
  form: PasswordForm,
  hash: string,
  expected: Buffer,
  content: Buffer,
  derive: (password: Buffer) => Promise<Buffer>,
): Promise<Buffer | undefined> {
  for (const password of spell(passphrase, form)) {
    const key = await derive(password);
    const actual = createHmac(hash, key).update(content).digest();
    key.fill(0);
    if (timingSafeEqual(actual, expected)) return password;
  }
  return undefined;
}
