import { tokenCost } from './budget.ts';
import { ciphers, decrypt } from './cipher.ts';
import { tryPassphrase } from './decryption.ts';
import { type Element, readElement } from './der.ts';
import { readDer, spendFor } from './der-file.ts';
import { unsupported } from './derivation.ts';
import { noteAlgorithm, type Reading } from './file-contents.ts';
import { bytesToKey } from './kdf.ts';
import { missingPassphrase, spell, wrongPassphrase } from './passphrase.ts';
import { type PemBlock, printable } from './pem.ts';
import { corrupt, Problem } from './problem.ts';
import { pkcs11Label, pkcs11UriIn, tpmLabel } from './provider-pem.ts';
import { shapeOf } from './sniff.ts';
import { vouchesForServers } from './trust-settings.ts';
import { isOwnLabel, unknownBlock, unsupportedLabel } from './unsupported-formats.ts';

/** A block that is read, and where it stands as messages say it. */
interface Placed {
  readonly block: PemBlock;
  readonly place: string;
}

/** Blocks that are neither ours nor hold anything that is known are passed over: other tools add theirs. */
export async function readBlocks(blocks: readonly PemBlock[], reading: Reading): Promise<void> {
  const own: Placed[] = [];
  for (const [index, block] of blocks.entries()) {
    await reading.budget.turn();
    const { label, line } = block;
    const place =
      blocks.length === 1
        ? ''
        : ` (block ${index + 1} of ${blocks.length}, ${printable(label)}, line ${line})`;
    const onToken =
      label === pkcs11Label || (label === tpmLabel && (await import('./provider.ts')).hasTpmProvider());
    const kind = onToken
      ? undefined
      : (unsupportedLabel(label) ??
        (isOwnLabel(label) || isKnown(block) ? undefined : unknownBlock(printable(label))));
    if (kind === undefined) own.push({ block, place });
    else reading.contents.skipped.push(kind);
  }
  await spendFor(elementsOf(own), reading);
  for (const { block, place } of own) {
    await reading.budget.turn();
    try {
      await readPemBlock(block, reading);
    } catch (error) {
      throw inPlace(error, place);
    }
  }
}

/**
 * Whether a block whose label is unknown holds something that is known all the same. Not so a certificate: to OpenSSL it is
 * none, and nobody is trusted by it.
 */
function isKnown({ bytes, encrypted }: PemBlock): boolean {
  if (encrypted) return true;
  try {
    const shape = bytes && shapeOf(readElement(bytes));
    return shape !== undefined && shape !== 'certificate';
  } catch {
    return false;
  }
}

function* elementsOf(own: readonly Placed[]): Generator<Element, void> {
  for (const { block, place } of own)
    if (!block.encrypted) {
      let element: Element;
      try {
        element = readElement(bytesOf(block));
      } catch (error) {
        throw inPlace(error, place);
      }
      yield element;
    }
}

function bytesOf({ bytes, damage }: PemBlock): Buffer {
  if (bytes === undefined) throw damage;
  return bytes;
}

/** The same failure, saying where in the file what is damaged stands. */
function inPlace(error: unknown, place: string): unknown {
  if (place === '') return error;
  if (error instanceof Problem) return misplaced.has(error.code) ? error.at(place) : error;
  const problem = corrupt(`cannot be parsed${place}`);
  problem.cause = error;
  return problem;
}

const misplaced = new Set(['ERR_CLIENTCERT_FILE_CORRUPT', 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED']);

async function readPemBlock(block: PemBlock, reading: Reading): Promise<void> {
  if (block.label === pkcs11Label) {
    if (reading.certificatesOnly) return;
    reading.budget.work(tokenCost);
    return readTokenBlock(block, reading);
  }
  if (block.label === tpmLabel) {
    if (reading.certificatesOnly) return;
    reading.budget.work(tokenCost);
    const { tpmKey } = await import('./tpm-key.ts');
    reading.contents.keys.push(tpmKey(bytesOf(block), reading.keyring));
    return;
  }
  if (!block.encrypted) return readPlainBlock(block, reading);
  if (!reading.certificatesOnly) await readEncryptedBlock(block, reading);
}

async function readPlainBlock(block: PemBlock, reading: Reading): Promise<void> {
  const { certificates } = reading.contents;
  const before = certificates.length;
  const bytes = bytesOf(block);
  const element = readElement(bytes);
  await readDer(element, reading, block.label, block.friendlyName);
  if (certificates.length === before || vouchesForServers(bytes.subarray(element.end))) return;
  certificates.push(...certificates.splice(before).map((each) => ({ ...each, distrusted: true })));
}

/** It names a key on a token. */
async function readTokenBlock(block: PemBlock, reading: Reading): Promise<void> {
  const { addTokenKey } = await import('./token.ts');
  await addTokenKey(pkcs11UriIn(bytesOf(block)), reading, 'file');
}

/** A key in OpenSSL's traditional encryption: EVP_BytesToKey with the first 8 bytes of the IV as salt. */
async function readEncryptedBlock(block: PemBlock, reading: Reading): Promise<void> {
  const { label, encryption, friendlyName } = block;
  const { keyring, contents } = reading;
  const { cipher: name, iv } = encryption!;
  const cipher = ciphers[name];
  if (cipher === undefined) throw unsupported(`the cipher ${printable(name.toUpperCase())}`);
  if (iv.length !== cipher.blockSize) throw corrupt('has a DEK-Info header whose IV has the wrong length');
  const scheme = {
    title: `PEM ${cipher.title}, MD5, 1 round`,
    cipher,
    legacy: cipher.legacy,
    form: 'octets' as const,
    rounds: 1,
    decrypt: (password: Buffer, data: Buffer) =>
      decrypt(cipher, bytesToKey(password, iv.subarray(0, 8), cipher.keySize), iv, data),
  };
  noteAlgorithm(reading, scheme);
  keyring.used = true;
  const { text } = keyring.passphrase;
  if (text === undefined) throw missingPassphrase(keyring, 'the private key is encrypted');
  const decrypted = await tryPassphrase(scheme, bytesOf(block), text, spell(text, 'octets'));
  if (decrypted.status !== 'open')
    throw decrypted.status === 'damaged'
      ? corrupt('holds an encrypted private key that is damaged; the passphrase is right')
      : wrongPassphrase(keyring);
  try {
    const before = contents.keys.length;
    await readDer(readElement(decrypted.plain), reading, label, friendlyName);
    // It is encrypted, whatever the reader of the plain form noted.
    for (const [index, key] of contents.keys.entries())
      if (index >= before) contents.keys[index] = { ...key, plain: false };
  } finally {
    decrypted.plain.fill(0);
  }
}
