import { isUtf8 } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import type { Alias } from './alias.ts';
import { certificateCost, createBudget, keyCost } from './budget.ts';
import { parseCertificate } from './certificate.ts';
import { ciphers, decrypt } from './cipher.ts';
import { type Element, encodingOf, readElement } from './der.ts';
import { unsupported } from './derivation.ts';
import {
  createContents,
  type FileContents,
  type Foreign,
  noteAlgorithm,
  type Reading,
} from './file-contents.ts';
import { readJavaStore, storeTypes } from './jks.ts';
import { bytesToKey } from './kdf.ts';
import { type Keyring, missingPassphrase, spell, wrongPassphrase } from './passphrase.ts';
import { decodeBase64, hasPem, type PemBlock, printable, readPem } from './pem.ts';
import { readPkcs7 } from './pkcs7.ts';
import {
  costOfPkcs8,
  importDsa,
  importEncryptedPkcs8,
  importPkcs1,
  importPkcs8,
  importSec1,
} from './pkcs8.ts';
import { readPkcs12 } from './pkcs12.ts';
import { corrupt, Problem } from './problem.ts';
import { type Shape, shapeOf } from './sniff.ts';
import { decodeText } from './text.ts';
import { unseal } from './unseal.ts';
import {
  foreign,
  foreignBytes,
  foreignLabel,
  foreignText,
  isOwnLabel,
  refuse,
  unknownBlock,
} from './unsupported-formats.ts';

export interface MaterialOptions {
  readonly keyring: Keyring;
  readonly maxIterations?: number | undefined;
  readonly certificatesOnly?: boolean | undefined;
  readonly alias?: Alias | undefined;
}

/**
 * Everything in these bytes: keys, certificates, and what else was recognised. Tells formats apart by content.
 * Does not ask for a key and a certificate that belong together. Throws nothing but {@link Problem}, except for
 * what OpenSSL throws at bytes that no branch foresaw.
 */
export async function readMaterial(
  bytes: Buffer,
  options: MaterialOptions,
  signal?: AbortSignal,
): Promise<FileContents> {
  const contents = createContents();
  const reading: Reading = {
    keyring: options.keyring,
    budget: createBudget(options.maxIterations, signal),
    contents,
    certificatesOnly: options.certificatesOnly ?? false,
    alias: options.alias,
  };
  await readBytes(bytes, reading, 0);
  if (contents.keys.length === 0 && contents.certificates.length === 0 && contents.foreign.length > 0)
    throw refuse(contents.foreign[0]!);
  return contents;
}

/** Base64 of PEM of base64 … as deep as people have been seen to wrap it, and one more. */
const maxWrappings = 4;

async function readBytes(bytes: Buffer, reading: Reading, wrappings: number): Promise<void> {
  let start = 0;
  while (start < bytes.length && (bytes[start] === 0 || isBlank(bytes[start]!))) start++;
  if (start === bytes.length)
    throw new Problem(
      'FILE_EMPTY',
      'is empty',
      'Copy the file again; the export or download may have failed.',
    );
  if (bytes.length >= 4 && storeTypes.has(bytes.readUInt32BE(0))) return readJavaStore(bytes, reading);
  const kind = foreignBytes(bytes);
  if (kind !== undefined) throw refuse(kind);
  const der = bytes.subarray(start);
  if (looksLikeDer(der)) return readDerFile(der, reading);
  await readText(decodeText(bytes), isUtf8(bytes), reading, wrappings);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** A SEQUENCE with a length as DER or BER writes it. Text that begins with `0` goes on with a character. */
function looksLikeDer(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30) return false;
  const length = bytes[1] ?? 0x80;
  if (length >= 0x80) return length <= 0x84;
  return bytes.length === 2 + length && !/^[\x20-\x7e\s]*$/.test(bytes.toString('latin1'));
}

async function readDerFile(bytes: Buffer, reading: Reading): Promise<void> {
  const { contents } = reading;
  const elements = [readElement(bytes)];
  // A PFX is alone in its file. What follows other values counts where it is another one; the rest is padding.
  if (shapeOf(elements[0]!) !== 'pkcs12')
    for (let at = elements[0]!.end; looksLikeDer(bytes.subarray(at)); at = elements.at(-1)!.end) {
      elements.push(readElement(bytes, at, bytes.length, 0, elements[0]!.tally));
      await reading.budget.turn();
    }
  await spendFor(elements, reading);
  for (const element of elements) {
    await reading.budget.turn();
    await readDer(element, reading, '');
  }
  if (contents.container === '') contents.container = 'DER';
  contents.ordered = contents.container === 'DER';
}

/** All keys of a file are paid for before the first is derived; a PFX adds up its own. */
async function spendFor(elements: Iterable<Element>, { budget, certificatesOnly }: Reading): Promise<void> {
  if (certificatesOnly) return;
  for (const element of elements) {
    await budget.turn();
    if (shapeOf(element) === 'encryptedPkcs8') budget.spend(costOfPkcs8(element));
  }
}

type DerReader = (element: Element, reading: Reading, alias: string | undefined) => void | Promise<void>;

const keyReader =
  (importKey: (element: Element) => KeyObject): DerReader =>
  (element, { contents, budget, certificatesOnly }, alias) => {
    if (certificatesOnly) return;
    budget.work(keyCost);
    contents.keys.push({ privateKey: importKey(element), alias, plain: true, intact: false });
  };

const foreignReader =
  (kind: Foreign): DerReader =>
  (_element, { contents }) => {
    contents.foreign.push(kind);
  };

const derReaders: Record<Shape, DerReader> = {
  certificate: (element, { contents, budget }, alias) => {
    budget.work(certificateCost);
    contents.certificates.push(parseCertificate(encodingOf(element), alias));
  },
  pkcs12: readPkcs12,
  pkcs7: readPkcs7,
  pkcs8: keyReader(importPkcs8),
  pkcs1: keyReader(importPkcs1),
  sec1: keyReader(importSec1),
  dsa: keyReader(importDsa),
  encryptedPkcs8: async (element, reading, alias) => {
    if (reading.certificatesOnly) return;
    reading.budget.work(keyCost);
    const privateKey = await importEncryptedPkcs8(element, reading);
    reading.contents.keys.push({ privateKey, alias, plain: false, intact: false });
  },
  request: foreignReader(foreign.request),
  revocationList: foreignReader(foreign.revocationList),
  publicKey: foreignReader(foreign.publicKey),
  parameters: foreignReader(foreign.parameters),
  bcfks: foreignReader(foreign.bcfks),
};

async function readDer(element: Element, reading: Reading, label: string, alias?: string): Promise<void> {
  const shape = shapeOf(element);
  if (shape !== undefined) return derReaders[shape](element, reading, alias);
  throw label === ''
    ? new Problem(
        'FORMAT_UNKNOWN',
        'is ASN.1 data, but neither a certificate nor a key that is known here',
        'See what it is: openssl asn1parse -inform DER -in FILE.',
      )
    : corrupt(`has a ${printable(label)} block that does not hold what its label says`);
}

/** `intact`: the bytes were UTF-8, so that a replacement character in the text is one that the file holds. */
async function readText(text: string, intact: boolean, reading: Reading, wrappings: number): Promise<void> {
  if (wrappings > maxWrappings) throw corrupt(`is base64 that was encoded more than ${maxWrappings} times`);
  const { contents } = reading;
  const trimmed = text.replace(/^[\s\u200b]+/, '');
  const kind = foreignText.find(([pattern]) => pattern.test(trimmed))?.[1];
  if (hasPem(text) && kind !== foreign.putty) {
    const blocks: PemBlock[] = [];
    for (const block of readPem(text)) {
      blocks.push(block);
      await reading.budget.turn();
    }
    await readBlocks(blocks, reading);
    if (contents.container === '' || blocks.length > 1) contents.container = 'PEM';
    contents.ordered = true;
    return;
  }
  if (kind !== undefined) throw refuse(kind);
  const decoded = decodeArmourless(trimmed);
  await reading.budget.turn();
  if (decoded !== undefined) return readBytes(decoded, reading, wrappings + 1);
  throw explainText(trimmed, intact);
}

/** Base64 without BEGIN and END, in quotation marks, a data: URL or with `\n` written out; or hexadecimal. */
function decodeArmourless(text: string): Buffer | undefined {
  const bare = text
    .replace(/^data:[\w.+/-]{0,100}(?:;[\w=-]{1,40})*;base64,/i, '')
    .replace(/^(["'])([^"']*)\1\s*$/, '$2')
    .replace(/(?<!\\)\\+[rnt]/g, '\n');
  if (/^(?:0x)?30[\s:]?8[0-4][0-9a-f\s:]*$/i.test(bare))
    return Buffer.from(bare.replace(/^0x|[\s:]/gi, ''), 'hex');
  const bytes = decodeBase64(bare);
  return bytes !== undefined && bytes.length >= 24 && isLikelyMaterial(bytes) ? bytes : undefined;
}

/** Any word is base64 of something; only what decodes to a known beginning is taken for it. */
function isLikelyMaterial(bytes: Buffer): boolean {
  if (bytes[0] === 0x30 || storeTypes.has(bytes.readUInt32BE(0))) return true;
  const text = decodeText(bytes.subarray(0, 4096));
  return hasPem(text) || /^[A-Za-z0-9+/_=\s-]{24,}$/.test(text) || foreignBytes(bytes) !== undefined;
}

function explainText(text: string, intact: boolean): Problem {
  if (text.startsWith('version https://git-lfs.github.com/spec/'))
    return corrupt('is a Git LFS pointer, not the file itself', 'Fetch the file: git lfs pull.');
  if (intact && (/^(?:0|\ufffd)\ufffd|^\ufffd\ufffd/.test(text) || countReplacements(text) > 8))
    return corrupt(
      'was opened as UTF-8 text and saved, which destroyed it',
      'Read it as bytes: readFile(path) without an encoding, or give the path itself. A file that was saved like this must be copied again, in binary mode.',
    );
  if (/^0[\x80-\x84]/.test(text))
    return corrupt(
      'was read as Latin-1 and written as UTF-8',
      'Read it as bytes: readFile(path) without an encoding, or give the path itself.',
    );
  return new Problem(
    'FORMAT_UNKNOWN',
    'is neither PEM, DER, PKCS#12, PKCS#7 nor a Java keystore, nor base64 of one of these',
    'See what it is: file FILE; a PEM file has a line -----BEGIN …-----.',
  );
}

function countReplacements(text: string): number {
  return text.slice(0, 2000).split('\ufffd').length - 1;
}

/** A block that is read, and where it stands as messages say it. */
interface Placed {
  readonly block: PemBlock;
  readonly place: string;
}

/** Blocks that are neither ours nor hold anything that is known are passed over: other tools add theirs. */
async function readBlocks(blocks: readonly PemBlock[], reading: Reading): Promise<void> {
  const own: Placed[] = [];
  for (const [index, block] of blocks.entries()) {
    await reading.budget.turn();
    const { label, line } = block;
    const place =
      blocks.length === 1
        ? ''
        : ` (block ${index + 1} of ${blocks.length}, ${printable(label)}, line ${line})`;
    const kind =
      foreignLabel(label) ??
      (isOwnLabel(label) || isKnown(block) ? undefined : unknownBlock(printable(label)));
    if (kind === undefined) own.push({ block, place });
    else reading.contents.foreign.push(kind);
  }
  await spendFor(elementsOf(own), reading);
  for (const { block, place } of own) {
    await reading.budget.turn();
    try {
      await readPemBlock(block, reading);
    } catch (error) {
      throw inPlace(error, place);
    } finally {
      block.bytes?.fill(0);
    }
  }
}

/** Whether a block whose label is unknown holds something that is known all the same. */
function isKnown({ bytes, encrypted }: PemBlock): boolean {
  if (encrypted) return true;
  try {
    return bytes !== undefined && shapeOf(readElement(bytes)) !== undefined;
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
  if (!block.encrypted) return readDer(readElement(bytesOf(block)), reading, block.label, block.friendlyName);
  if (!reading.certificatesOnly) await readEncryptedBlock(block, reading);
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
  const unsealed = await unseal(scheme, bytesOf(block), text, spell(text, 'octets'));
  if (unsealed.status !== 'open')
    throw unsealed.status === 'damaged'
      ? corrupt('holds an encrypted private key that is damaged; the passphrase is right')
      : wrongPassphrase(keyring);
  try {
    const before = contents.keys.length;
    await readDer(readElement(unsealed.plain), reading, label, friendlyName);
    // It is encrypted, whatever the reader of the plain form noted.
    for (const [index, key] of contents.keys.entries())
      if (index >= before) contents.keys[index] = { ...key, plain: false };
  } finally {
    unsealed.plain.fill(0);
  }
}
