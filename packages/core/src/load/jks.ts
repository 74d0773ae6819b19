import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { findByName, hasFingerprint } from './alias.ts';
import { certificateCost, keyCost } from './budget.ts';
import { parseCertificate } from './certificate.ts';
import { tryPassphrase } from './decryption.ts';
import { octetsOf, oidOf, open, readElement, SEQUENCE } from './der.ts';
import { noteAlgorithm, type Reading } from './file-contents.ts';
import { copyOfBytes } from './handed-over.ts';
import { skipJavaObject } from './java-object.ts';
import { limitSize } from './key-size.ts';
import { missingPassphrase, type ResolvedPassphrase, wrongPassphrase } from './passphrase.ts';
import { importPkcs8 } from './pkcs8.ts';
import { corrupt, Problem, quote } from './problem.ts';
import { readScheme, type Scheme } from './scheme.ts';

/** The first four bytes of Sun's stores (sun.security.provider.JavaKeyStore, com.sun.crypto.provider.JceKeyStore). */
export const storeTypes: ReadonlyMap<number, string> = new Map([
  [0xfeedfeed, 'JKS'],
  [0xcececece, 'JCEKS'],
]);

/** Sun's own key protector (sun.security.provider.KeyProtector). */
const keyProtector = '1.3.6.1.4.1.42.2.17.1.1';

interface KeyEntry {
  readonly alias: string;
  /** An EncryptedPrivateKeyInfo. */
  readonly encrypted: Buffer;
  /** The first of its chain. */
  readonly certificate: X509Certificate | undefined;
}

/** Reads a Java keystore into the contents. */
export async function readJavaStore(store: Buffer, reading: Reading): Promise<void> {
  const { keyring, contents, certificatesOnly } = reading;
  contents.container = storeTypes.get(store.readUInt32BE(0))!;
  const keys = await readEntries(store, reading);
  contents.algorithms.add('digest SHA-1 with passphrase');
  const wanted = certificatesOnly ? [] : choose(keys, reading);
  const text = certificatesOnly && keyring.lent !== undefined ? undefined : keyring.passphrase.text;
  if (text === undefined) {
    // Certificates are not encrypted, and `keytool` shows them without a passphrase as well.
    if (wanted.length > 0) throw missingPassphrase(keyring, 'is protected by a passphrase');
    return;
  }
  keyring.used = true;
  const vouched = hasDigest(store, text);
  await openKeys(wanted, text, vouched, reading);
  if (!vouched) throw wrongPassphrase(keyring);
}

/** The entries whose keys are to be opened: each may have a passphrase of its own, and costs a derivation. */
function choose(entries: readonly KeyEntry[], { alias, contents }: Reading): readonly KeyEntry[] {
  if (alias === undefined) return entries;
  const chosen = new Set(
    alias.fingerprint === undefined
      ? findByName(entries, alias, (entry) => [entry.alias])
      : entries.filter(({ certificate }) => certificate && hasFingerprint(certificate, alias)),
  );
  // One by one: a call takes no hundred thousand arguments.
  for (const entry of entries) if (!chosen.has(entry)) contents.passedOver.push(entry);
  return [...chosen];
}

async function readEntries(store: Buffer, { contents, budget }: Reading): Promise<KeyEntry[]> {
  const cursor = createCursor(store.subarray(0, -20));
  cursor.integer();
  const version = cursor.integer();
  if (version !== 1 && version !== 2) throw corrupt('is a Java keystore of a version that does not exist');
  const keys: KeyEntry[] = [];
  for (let left = cursor.integer(); left > 0; left--) {
    const tag = cursor.integer();
    const alias = cursor.text();
    cursor.bytes(8);
    await budget.turn();
    if (tag === 1) {
      const encrypted = cursor.bytes(cursor.integer());
      const first = contents.certificates.length;
      // The alias is the entry's, and so the leaf's: the authorities above it have none.
      for (let chain = cursor.integer(), left = chain; left > 0; left--)
        await readCertificate(left === chain ? alias : undefined);
      keys.push({ alias, encrypted, certificate: contents.certificates[first]?.certificate });
    } else if (tag === 2) await readCertificate(alias);
    else if (tag === 3 && contents.container === 'JCEKS')
      cursor.skip((bytes, at) => skipJavaObject(bytes, at, budget));
    else throw corrupt('has an entry of an unknown kind');
  }
  if (!cursor.atEnd()) throw corrupt('goes on after its last entry');
  return keys;

  async function readCertificate(alias: string | undefined): Promise<void> {
    budget.work(certificateCost);
    await budget.turn();
    if (version === 2 && cursor.text() !== 'X.509') {
      cursor.bytes(cursor.integer());
      return;
    }
    contents.certificates.push(parseCertificate(cursor.bytes(cursor.integer()), budget, alias));
  }
}

/** Reads what java.io.DataOutputStream wrote. */
function createCursor(bytes: Buffer): {
  integer(): number;
  text(): string;
  bytes(length: number): Buffer;
  skip(skipper: (bytes: Buffer, at: number) => number): void;
  atEnd(): boolean;
} {
  let at = 0;
  const take = (length: number): number => {
    if (at + length > bytes.length) throw corrupt('is truncated: an entry reaches past the end');
    at += length;
    return at - length;
  };
  return {
    integer: () => bytes.readUInt32BE(take(4)),
    // Modified UTF-8; it differs from UTF-8 in NUL and astral characters only.
    text() {
      const length = bytes.readUInt16BE(take(2));
      const start = take(length);
      return bytes.toString('utf8', start, start + length);
    },
    bytes(length) {
      const start = take(length);
      return bytes.subarray(start, start + length);
    },
    skip(skipper) {
      at = skipper(bytes, at);
    },
    atEnd: () => at === bytes.length,
  };
}

/** The last 20 bytes: SHA-1 over passphrase, a phrase that Sun chose, and the store. */
function hasDigest(store: Buffer, passphrase: string): boolean {
  const expected = store.subarray(-20);
  const actual = createHash('sha1')
    .update(utf16(passphrase))
    .update('Mighty Aphrodite')
    .update(store.subarray(0, -20))
    .digest();
  return timingSafeEqual(actual, expected);
}

/** In memory of its own, as other Buffers show what they share. */
function utf16(text: string): Buffer {
  const bytes = Buffer.alloc(text.length * 2);
  bytes.write(text, 'utf16le');
  return bytes.swap16();
}

async function openKeys(
  entries: readonly KeyEntry[],
  passphrase: string,
  vouched: boolean,
  reading: Reading,
): Promise<void> {
  const { keyring, budget, contents } = reading;
  const sealed: { alias: string; scheme: Scheme; data: Buffer }[] = [];
  for (const { alias, encrypted } of entries) {
    await budget.turn();
    budget.work(keyCost);
    limitSize(encrypted.length);
    const [algorithm, data] = open(readElement(encrypted), SEQUENCE);
    const scheme =
      oidOf(open(algorithm, SEQUENCE)[0]) === keyProtector ? protectorScheme : readScheme(algorithm);
    noteAlgorithm(reading, scheme);
    sealed.push({ alias, scheme, data: octetsOf(data) });
  }
  const passphrases = [passphrase, keyring.keyPassphrase.text].filter((text) => text !== undefined);
  budget.spend(sealed.reduce((sum, { scheme }) => sum + scheme.rounds * passphrases.length, 0));
  for (const { alias, scheme, data } of sealed) {
    await budget.turn();
    const plain = await openKey(scheme, data, passphrases.toReversed());
    if (plain === 'damaged') throw corrupt(`holds a private key (${quote(alias)}) that is damaged`);
    if (plain === 'wrong') {
      if (vouched) throw explainKey(alias, keyring.keyPassphrase, entries.length > 1);
      continue;
    }
    try {
      if (!vouched)
        throw corrupt(
          'was changed after it was made: the passphrase opens it, but its digest does not match',
        );
      contents.keys.push({
        privateKey: importPkcs8(readElement(plain), budget),
        alias,
        plain: false,
        intact: true,
      });
    } finally {
      plain.fill(0);
    }
  }
}

async function openKey(
  scheme: Scheme,
  data: Buffer,
  passphrases: readonly string[],
): Promise<Buffer | 'damaged' | 'wrong'> {
  let status: 'damaged' | 'wrong' = 'wrong';
  for (const text of passphrases) {
    const decrypted = await tryPassphrase(
      scheme,
      data,
      text,
      scheme === protectorScheme ? [utf16(text)] : undefined,
    );
    if (decrypted.status === 'open') return decrypted.plain;
    if (decrypted.status === 'damaged') status = 'damaged';
  }
  return status;
}

function explainKey(alias: string, keyPassphrase: ResolvedPassphrase, several: boolean): Problem {
  const choice = several ? ' To use another entry, name its alias: its key alone is then opened.' : '';
  return !keyPassphrase.text
    ? new Problem(
        'PASSPHRASE_MISSING',
        `the key ${quote(alias)} has a passphrase of its own, and no keyPassphrase was given${keyPassphrase.reason === undefined ? '' : `: ${keyPassphrase.reason}`}`,
        `${keyPassphrase.advice ?? "Add keyPassphrase: process.env.NAME, { env: 'NAME' } or { file: '/run/secrets/name' }."}${choice}`,
        undefined,
        { what: 'key', alias },
      )
    : new Problem(
        'PASSPHRASE_WRONG',
        `neither passphrase nor keyPassphrase opens the key ${quote(alias)}`,
        `Check keyPassphrase against the one that came with the store.${choice}`,
        undefined,
        { what: 'key', alias },
      );
}

/**
 * Salt (20 bytes), the key XORed with a chain of SHA-1 over passphrase and previous digest, and SHA-1 over
 * passphrase and plain key.
 */
const protectorScheme: Scheme = {
  title: 'JKS key protector (SHA-1)',
  cipher: { title: 'XOR', keySize: 20, blockSize: 1, legacy: true, decrypt: (_key, _iv, data) => data },
  legacy: false,
  form: 'octets',
  rounds: 0,
  async decrypt(password, data) {
    if (data.length < 41) throw corrupt('holds an encrypted key that is too short');
    const plain = copyOfBytes(data.subarray(20, -20));
    let digest: Buffer = data.subarray(0, 20);
    for (let at = 0; at < plain.length; at += 20) {
      digest = createHash('sha1').update(password).update(digest).digest();
      for (let index = 0; index < 20 && at + index < plain.length; index++)
        plain[at + index]! ^= digest[index]!;
    }
    return plain;
  },
};
