import { sealedCost } from './budget.ts';
import {
  childrenOf,
  contentsOf,
  type Element,
  octetsOf,
  oidOf,
  open,
  readElement,
  SEQUENCE,
  UTF8_STRING,
} from './der.ts';
import { noteAlgorithm, type Reading } from './file-contents.ts';
import { limitSize } from './key-size.ts';
import { corrupt, Problem } from './problem.ts';
import { readScheme, type Scheme } from './scheme.ts';

/** What the attributes of a bag say. */
interface Attributes {
  /** The friendlyName: the alias of Java, the display name of Windows. */
  readonly alias: string | undefined;
  /** The localKeyId, in hexadecimal: the same for a key and its certificate. */
  readonly keyId: string | undefined;
}

/** A part of the file that the passphrase opens: safe contents, or one private key. */
export interface Sealed extends Attributes {
  readonly holds: 'bags' | 'key';
  readonly scheme: Scheme;
  readonly data: Buffer;
}

/** A key or certificate that needs no further decryption. */
export interface Bag extends Attributes {
  readonly holds: 'key' | 'certificate';
  readonly value: Element;
  /** Nothing encrypted it. */
  readonly plain: boolean;
}

/** Takes the SafeContents of a PFX apart (RFC 7292, section 4.1), as far as no passphrase is needed. */
export async function readSafe(
  safe: Element,
  reading: Reading,
  bags: Bag[],
  sealed: Sealed[],
): Promise<void> {
  const [type, content] = open(safe, SEQUENCE);
  const oid = oidOf(type);
  if (oid === dataContent) await readBags(octetsOf(open(content, 0xa0)[0]), reading, bags, sealed);
  else if (oid === encryptedData) sealed.push(readEncryptedData(open(content, 0xa0)[0], reading));
  else if (oid === envelopedData)
    throw new Problem(
      'FORMAT_UNSUPPORTED',
      'is a PKCS#12 file that is encrypted for a key instead of with a passphrase',
      'Export it again with a passphrase.',
    );
  else throw corrupt('is PKCS#12 with content of an unknown type');
}

/** EncryptedData, RFC 5652 section 8. */
function readEncryptedData(element: Element | undefined, reading: Reading): Sealed {
  const [, info] = open(element, SEQUENCE);
  const [, algorithm, content] = open(info, SEQUENCE);
  const scheme = readScheme(algorithm);
  noteAlgorithm(reading, scheme);
  reading.budget.work(sealedCost);
  return { holds: 'bags', scheme, data: octetsOf(content), alias: undefined, keyId: undefined };
}

/** The same for SafeContents that were decrypted. */
export function readBags(
  contents: Buffer,
  reading: Reading,
  bags: Bag[],
  sealed: Sealed[],
  plain = true,
): Promise<void> {
  return readBagList(readElement(contents), reading, bags, sealed, plain);
}

async function readBagList(
  list: Element,
  reading: Reading,
  bags: Bag[],
  sealed: Sealed[],
  plain: boolean,
): Promise<void> {
  for (const bag of open(list, SEQUENCE)) {
    await reading.budget.turn();
    const [type, wrapped, attributes] = open(bag, SEQUENCE);
    const oid = oidOf(type);
    const value = open(wrapped, 0xa0)[0];
    const names = readAttributes(attributes);
    if (value === undefined) throw corrupt('has an empty bag');
    if (oid === nestedBag) await readBagList(value, reading, bags, sealed, plain);
    else if (oid === certBag) {
      const [kind, certificate] = open(value, SEQUENCE);
      if (oidOf(kind) !== x509Certificate) continue;
      const [held] = open(certificate, 0xa0);
      if (held === undefined) throw corrupt('has an empty bag');
      bags.push({ holds: 'certificate', value: held, ...names, plain });
    } else if (reading.certificatesOnly) continue;
    else if (oid === keyBag) bags.push({ holds: 'key', value, ...names, plain });
    else if (oid === shroudedKeyBag) {
      const [algorithm, encrypted] = open(value, SEQUENCE);
      const scheme = readScheme(algorithm);
      noteAlgorithm(reading, scheme);
      reading.budget.work(sealedCost);
      const data = octetsOf(encrypted);
      limitSize(data.length);
      sealed.push({ holds: 'key', scheme, data, ...names });
    }
  }
}

function readAttributes(attributes: Element | undefined): Attributes {
  let alias: string | undefined;
  let keyId: string | undefined;
  for (const attribute of attributes === undefined ? [] : childrenOf(attributes)) {
    const [type, values] = open(attribute, SEQUENCE);
    const oid = oidOf(type);
    const value = values === undefined ? undefined : childrenOf(values)[0];
    if (value === undefined) continue;
    if (oid === friendlyName) alias ??= textOf(value);
    else if (oid === localKeyId) keyId ??= contentsOf(value).toString('hex', 0, longestName);
  }
  return { alias, keyId };
}

function textOf(value: Element): string {
  const bytes = contentsOf(value).subarray(0, longestName);
  if (value.tag === UTF8_STRING) return bytes.toString('utf8');
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le')
    .replace(/\0+$/, '');
}

/** Bytes of a name, of which messages print a part. */
const longestName = 1024;

export const dataContent = '1.2.840.113549.1.7.1';
const envelopedData = '1.2.840.113549.1.7.3';
const encryptedData = '1.2.840.113549.1.7.6';

/** Bag types of RFC 7292 section 4.2. CRL and secret bags (4 and 5) are of no use here. */
const keyBag = '1.2.840.113549.1.12.10.1.1';
const shroudedKeyBag = '1.2.840.113549.1.12.10.1.2';
const certBag = '1.2.840.113549.1.12.10.1.3';
const nestedBag = '1.2.840.113549.1.12.10.1.6';

const x509Certificate = '1.2.840.113549.1.9.22.1';
const friendlyName = '1.2.840.113549.1.9.20';
const localKeyId = '1.2.840.113549.1.9.21';
