import { findByName, hasFingerprint } from './alias.ts';
import { certificateCost, keyCost } from './budget.ts';
import { parseCertificate } from './certificate.ts';
import { type Decryption, tryPassphrase } from './decryption.ts';
import { type Element, expect, numberOf, octetsOf, oidOf, open, readElement, SEQUENCE } from './der.ts';
import type { Reading } from './file-contents.ts';
import { type Mac, readMac } from './mac.ts';
import { missingPassphrase, spell, wrongPassphrase } from './passphrase.ts';
import { importPkcs8 } from './pkcs8.ts';
import { corrupt, Problem, quote } from './problem.ts';
import { type Bag, dataContent, readBags, readSafe, type Sealed } from './safe-contents.ts';

const signedData = '1.2.840.113549.1.7.2';

/** Reads a PFX, RFC 7292 section 4, into the contents. */
export async function readPkcs12(pfx: Element, reading: Reading): Promise<void> {
  const { keyring, budget, contents } = reading;
  contents.container = 'PKCS#12';
  const [version, authSafe, macData] = open(pfx, SEQUENCE);
  if (numberOf(version) !== 3) throw corrupt('is PKCS#12 of a version that does not exist');
  const content = readAuthSafe(authSafe);
  const mac = macData === undefined ? undefined : readMac(macData);
  if (mac !== undefined) contents.algorithms.add(mac.title);
  const sealed: Sealed[] = [];
  const bags: Bag[] = [];
  for (const safe of open(readElement(content), SEQUENCE)) {
    await budget.turn();
    await readSafe(safe, reading, bags, sealed);
  }
  budget.spend(costOf(sealed.filter((part) => !waits(part, reading))) + (mac?.rounds ?? 0));
  if (mac === undefined && sealed.length === 0) {
    for (const bag of bags) await keep(bag, reading, false);
    return;
  }
  keyring.used = true;
  const passphrase = await choosePassphrase(mac, content, reading);
  await openAll(sealed, bags, mac, content, passphrase, reading);
}

function readAuthSafe(authSafe: Element | undefined): Buffer {
  const [type, content] = open(authSafe, SEQUENCE);
  const oid = oidOf(type);
  if (oid === signedData)
    throw new Problem(
      'FORMAT_UNSUPPORTED',
      'is a PKCS#12 file that is signed with a key instead of protected by a passphrase',
      'Export it again with a passphrase.',
    );
  if (oid !== dataContent) throw corrupt('is PKCS#12 with content of an unknown type');
  return octetsOf(open(content, 0xa0)[0]);
}

function costOf(sealed: readonly Sealed[]): number {
  return sealed.reduce((sum, { scheme }) => sum + scheme.rounds, 0);
}

/**
 * The passphrase to work with. Where none was given, a MAC tells cheaply whether the file was made without one,
 * as `openssl pkcs12 -passout pass:` and GnuTLS `--null-password` do.
 */
async function choosePassphrase(
  mac: Mac | undefined,
  content: Buffer,
  { keyring }: Reading,
): Promise<string> {
  const { text } = keyring.passphrase;
  if (text !== undefined) return text;
  if (mac !== undefined && (await mac.verify('', content)) !== undefined) return '';
  throw missingPassphrase(keyring, 'is protected by a passphrase');
}

/**
 * Checks the MAC and opens what is sealed, side by side, since PBKDF2 and scrypt run on the thread pool. What has
 * to wait for it: keys inside what is sealed, and those among which an alias chooses.
 */
async function openAll(
  sealed: readonly Sealed[],
  bags: readonly Bag[],
  mac: Mac | undefined,
  content: Buffer,
  passphrase: string,
  reading: Reading,
): Promise<void> {
  const first = sealed.filter((part) => !waits(part, reading));
  const later = sealed.filter((part) => waits(part, reading));
  const [fits, ...results] = await settleAll([
    mac === undefined
      ? undefined
      : mac.verify(passphrase, content).then((spelling) => spelling !== undefined),
    ...first.map(({ scheme, data }) => tryPassphrase(scheme, data, passphrase)),
  ] as const);
  const opened = results as Decryption[];
  if (fits === false) throw explainMacMismatch(opened, reading);
  for (const bag of bags) await keep(bag, reading, fits === true);
  for (const [index, part] of first.entries())
    await openOne(part, opened[index]!, fits === true, passphrase, reading, later);
  const keys = chooseKeys(later, reading);
  if (keys.length === 0) return;
  reading.budget.spend(costOf(keys));
  const deeper = (await settleAll(
    keys.map(({ scheme, data }) => tryPassphrase(scheme, data, passphrase)),
  )) as Decryption[];
  for (const [index, part] of keys.entries())
    await openOne(part, deeper[index]!, fits === true, passphrase, reading, []);
}

/** A key that is opened only where the alias turns out to mean it. */
function waits({ holds }: Sealed, { alias }: Reading): boolean {
  return alias !== undefined && holds === 'key';
}

/** The keys to open: each may have a passphrase of its own, and costs a derivation. */
function chooseKeys(keys: readonly Sealed[], { alias, contents }: Reading): readonly Sealed[] {
  if (alias === undefined || keys.length < 2) return keys;
  const { certificates } = contents;
  const meant =
    alias.fingerprint === undefined
      ? findByName(certificates, alias, (each) => [each.alias])
      : certificates.filter(({ certificate }) => hasFingerprint(certificate, alias));
  const ids = new Set(meant.map(({ keyId }) => keyId));
  const linked = keys.filter(({ keyId }) => keyId !== undefined && ids.has(keyId));
  const chosen = linked.length > 0 ? linked : findByName(keys, alias, (each) => [each.alias]);
  // A certificate goes by this name, and nothing says which key is its own.
  if (chosen.length === 0 && meant.length > 0) return keys;
  for (const { keyId, alias: name } of keys.filter((key) => !chosen.includes(key))) {
    const own = certificates.find((each) => keyId !== undefined && each.keyId === keyId);
    contents.passedOver.push({ alias: name ?? own?.alias, certificate: own?.certificate });
  }
  return chosen;
}

/** Like Promise.all, but waits for every one before it throws the first failure. */
async function settleAll<Values extends readonly unknown[]>(
  values: Values,
): Promise<{ -readonly [Index in keyof Values]: Awaited<Values[Index]> }> {
  const settled = await Promise.allSettled(values);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }) as { -readonly [Index in keyof Values]: Awaited<Values[Index]> };
}

/** A MAC that does not fit: the passphrase is wrong, unless it opened something, and then the file changed. */
function explainMacMismatch(opened: readonly Decryption[], { keyring }: Reading): Problem {
  const evident = opened.some(({ status }) => status !== 'wrong');
  for (const result of opened) if (result.status === 'open') result.plain.fill(0);
  return evident
    ? corrupt('was changed after it was made: the passphrase opens it, but its MAC does not match')
    : wrongPassphrase(keyring);
}

async function openOne(
  part: Sealed,
  result: Decryption,
  verified: boolean,
  passphrase: string,
  reading: Reading,
  inner: Sealed[],
): Promise<void> {
  let decrypted = result;
  if (decrypted.status === 'wrong') decrypted = await openOtherwise(part, verified, passphrase, reading);
  if (decrypted.status !== 'open')
    throw decrypted.status === 'damaged'
      ? corrupt('holds encrypted data that is damaged; the passphrase is right')
      : explainWrong(part, verified, reading);
  const { plain } = decrypted;
  try {
    if (part.holds === 'key') {
      const value = readElement(plain);
      await keep({ ...part, holds: 'key', value, plain: false }, reading, verified);
      return;
    }
    const bags: Bag[] = [];
    const deeper: Sealed[] = [];
    await readBags(plain, reading, bags, deeper, false);
    for (const bag of bags) await keep(bag, reading, verified);
    // What is still sealed is opened after `plain` has been wiped.
    inner.push(...deeper.map((sealed) => ({ ...sealed, data: Buffer.from(sealed.data) })));
  } finally {
    plain.fill(0);
  }
}

/**
 * Where the MAC vouches for the passphrase, its other spellings are worth a try (NSS once keyed AES with the
 * BMPString); a key may also have a passphrase of its own (keytool before Java 9).
 */
async function openOtherwise(
  { holds, scheme, data }: Sealed,
  verified: boolean,
  passphrase: string,
  { keyring, budget }: Reading,
): Promise<Decryption> {
  if (verified && scheme.form === 'octets') {
    budget.spend(scheme.rounds);
    const bmp = spell(passphrase, 'bmp');
    const result = await tryPassphrase(scheme, data, passphrase, [bmp[0]!, bmp[0]!.subarray(0, -2)]);
    if (result.status !== 'wrong') return result;
  }
  if (holds === 'bags' || keyring.keyPassphrase.text === undefined) return { status: 'wrong' };
  budget.spend(scheme.rounds);
  return tryPassphrase(scheme, data, keyring.keyPassphrase.text);
}

function explainWrong({ holds, alias }: Sealed, verified: boolean, reading: Reading): Problem {
  const { keyring, contents } = reading;
  if (holds === 'bags' || (!verified && contents.certificates.length === 0)) return wrongPassphrase(keyring);
  const key = alias === undefined ? 'the private key in it' : `the private key ${quote(alias)} in it`;
  return !keyring.keyPassphrase.text
    ? new Problem(
        'PASSPHRASE_WRONG',
        `the passphrase opens the file, but not ${key}`,
        'If the key has a passphrase of its own, give it as keyPassphrase. If another one is meant, name it by alias: its key alone is then opened.',
        undefined,
        { what: 'key', alias },
      )
    : new Problem(
        'PASSPHRASE_WRONG',
        `neither passphrase nor keyPassphrase opens ${key}`,
        'Check keyPassphrase. If another identity is meant, name it by alias: its key alone is then opened.',
        undefined,
        { what: 'key', alias },
      );
}

async function keep(
  { holds, value, alias, keyId, plain }: Bag,
  { contents, budget }: Reading,
  verified: boolean,
): Promise<void> {
  budget.work(holds === 'key' ? keyCost : certificateCost);
  await budget.turn();
  if (holds === 'key')
    contents.keys.push({ privateKey: importPkcs8(value, budget), alias, plain, intact: verified });
  else contents.certificates.push(parseCertificate(octetsOf(expect(value, value.tag)), budget, alias, keyId));
}
