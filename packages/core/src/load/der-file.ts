import type { KeyObject } from 'node:crypto';
import { type Budget, certificateCost, keyCost } from './budget.ts';
import { parseCertificate } from './certificate.ts';
import { type Element, encodingOf, readElement } from './der.ts';
import type { Reading, UnsupportedFormat } from './file-contents.ts';
import { printable } from './pem.ts';
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
import { unsupportedFormats } from './unsupported-formats.ts';

/** A SEQUENCE with a length as DER or BER writes it. Text that begins with `0` goes on with a character. */
export function looksLikeDer(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30) return false;
  const length = bytes[1] ?? 0x80;
  if (length >= 0x80) return length <= 0x84;
  return bytes.length === 2 + length && !/^[\x20-\x7e\s]*$/.test(bytes.toString('latin1'));
}

/** Reads a file that begins with a DER value. */
export async function readDerFile(bytes: Buffer, reading: Reading): Promise<void> {
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
export async function spendFor(
  elements: Iterable<Element>,
  { budget, certificatesOnly }: Reading,
): Promise<void> {
  if (certificatesOnly) return;
  for (const element of elements) {
    await budget.turn();
    if (shapeOf(element) === 'encryptedPkcs8') budget.spend(costOfPkcs8(element));
  }
}

type DerReader = (element: Element, reading: Reading, alias: string | undefined) => void | Promise<void>;

const keyReader =
  (importKey: (element: Element, budget: Budget) => KeyObject): DerReader =>
  (element, { contents, budget, certificatesOnly }, alias) => {
    if (certificatesOnly) return;
    budget.work(keyCost);
    contents.keys.push({ privateKey: importKey(element, budget), alias, plain: true, intact: false });
  };

const skip =
  (kind: UnsupportedFormat): DerReader =>
  (_element, { contents }) => {
    contents.skipped.push(kind);
  };

const derReaders: Record<Shape, DerReader> = {
  certificate: (element, { contents, budget }, alias) => {
    budget.work(certificateCost);
    contents.certificates.push(parseCertificate(encodingOf(element), budget, alias));
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
  request: skip(unsupportedFormats.request),
  revocationList: skip(unsupportedFormats.revocationList),
  publicKey: skip(unsupportedFormats.publicKey),
  parameters: skip(unsupportedFormats.parameters),
  bcfks: skip(unsupportedFormats.bcfks),
};

/** @param label That of the PEM block it stands in; empty for none. */
export async function readDer(
  element: Element,
  reading: Reading,
  label: string,
  alias?: string,
): Promise<void> {
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
