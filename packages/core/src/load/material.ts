import { isUtf8 } from 'node:buffer';
import type { Alias } from './alias.ts';
import { createBudget } from './budget.ts';
import { looksLikeDer, readDerFile } from './der-file.ts';
import { createContents, type FileContents, type Reading } from './file-contents.ts';
import { readJavaStore, storeTypes } from './jks.ts';
import type { Keyring } from './passphrase.ts';
import { decodeBase64, hasPem, maxEscaped, type PemBlock, readPem } from './pem.ts';
import { readBlocks } from './pem-blocks.ts';
import { corrupt, Problem } from './problem.ts';
import type { Surroundings } from './surroundings.ts';
import { decodeText } from './text.ts';
import { refuse, unsupportedBytes, unsupportedFormats, unsupportedText } from './unsupported-formats.ts';

export interface MaterialOptions {
  readonly keyring: Keyring;
  readonly maxIterations?: number | undefined;
  readonly certificatesOnly?: boolean | undefined;
  readonly alias?: Alias | undefined;
  readonly surroundings?: Surroundings | undefined;
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
    budget: createBudget(options.maxIterations, signal, options.surroundings?.work),
    contents,
    certificatesOnly: options.certificatesOnly ?? false,
    alias: options.alias,
    surroundings: options.surroundings,
  };
  await readBytes(bytes, reading, 0);
  if (contents.keys.length === 0 && contents.certificates.length === 0 && contents.skipped.length > 0)
    throw refuse(contents.skipped[0]!);
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
  const kind = unsupportedBytes(bytes);
  if (kind !== undefined) throw refuse(kind);
  const der = bytes.subarray(start);
  if (looksLikeDer(der)) return readDerFile(der, reading);
  await readText(decodeText(bytes), isUtf8(bytes), reading, wrappings);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** `intact`: the bytes were UTF-8, so that a replacement character in the text is one that the file holds. */
async function readText(text: string, intact: boolean, reading: Reading, wrappings: number): Promise<void> {
  if (wrappings > maxWrappings) throw corrupt(`is base64 that was encoded more than ${maxWrappings} times`);
  const { contents } = reading;
  const trimmed = text.replace(/^[\s\u200b]+/, '');
  const kind = unsupportedText.find(([pattern]) => pattern.test(trimmed))?.[1];
  if (hasPem(text) && kind !== unsupportedFormats.putty) {
    const blocks: PemBlock[] = [];
    try {
      for (const block of readPem(text)) {
        if (block) blocks.push(block);
        await reading.budget.turn();
      }
      await readBlocks(blocks, reading);
    } finally {
      // Those that are passed over may be keys, too.
      for (const { bytes } of blocks) bytes?.fill(0);
    }
    if (contents.container === '' || blocks.length > 1) contents.container = 'PEM';
    contents.ordered = true;
    return;
  }
  if (kind !== undefined) throw refuse(kind);
  const decoded = decodeArmourless(trimmed);
  await reading.budget.turn();
  if (decoded === undefined) throw explainText(trimmed, intact);
  try {
    await readBytes(decoded, reading, wrappings + 1);
  } finally {
    decoded.fill(0);
  }
}

/** Base64 without BEGIN and END, in quotation marks, a data: URL or with `\n` written out; or hexadecimal. */
function decodeArmourless(text: string): Buffer | undefined {
  // To take out what stands between digits by the million holds the event loop for a third of a second.
  const isShort = text.length <= maxEscaped;
  const unquoted = text
    .replace(/^data:[\w.+/-]{0,100}(?:;[\w=-]{1,40})*;base64,/i, '')
    .replace(/^(["'])([^"']*)\1\s*$/, '$2');
  const bare = isShort ? unquoted.replace(/(?<!\\)\\+[rnt]/g, '\n') : unquoted;
  if (isShort && /^(?:0x)?30[\s:]?8[0-4][0-9a-f\s:]*$/i.test(bare))
    return Buffer.from(bare.replace(/^0x|[\s:]/gi, ''), 'hex');
  const bytes = decodeBase64(bare);
  return bytes !== undefined && bytes.length >= 24 && isLikelyMaterial(bytes) ? bytes : undefined;
}

/** Any word is base64 of something; only what decodes to a known beginning is taken for it. */
function isLikelyMaterial(bytes: Buffer): boolean {
  if (bytes[0] === 0x30 || storeTypes.has(bytes.readUInt32BE(0))) return true;
  const text = decodeText(bytes.subarray(0, 4096));
  return hasPem(text) || /^[A-Za-z0-9+/_=\s-]{24,}$/.test(text) || unsupportedBytes(bytes) !== undefined;
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
