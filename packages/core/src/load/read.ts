import type { KeyObject } from 'node:crypto';
import { snapshot } from '../own.ts';
import { show } from '../quote.ts';
import type {
  CaMaterial,
  CertificateSource,
  ClientCertificate,
  FileSource,
  Material,
  Warning,
} from '../types.ts';
import { readAlias } from './alias.ts';
import { authorityWarnings } from './authority.ts';
import { type Budget, createBudget } from './budget.ts';
import { buildChain, rootsAmong, withoutDuplicates } from './chain.ts';
import { checkSource } from './check-source.ts';
import { readLayout } from './directory.ts';
import type { FoundCertificate, FoundKey } from './file-contents.ts';
import { chooseIdentity } from './identity.ts';
import { describeKey } from './key-type.ts';
import type { Keyring } from './passphrase.ts';
import { explain, explainAs, PartProblem, Problem } from './problem.ts';
import { limitRoots, readBundles, readCa } from './roots.ts';
import { labelOf } from './source.ts';
import { asArray, formatOf, type Part, readPart, resolveKeyring } from './source-part.ts';
import { callSource, firstOf, SourceStream } from './source-stream.ts';
import { kindOfTrustDomain } from './spiffe-id.ts';
import {
  createSurroundings,
  hasMoved,
  type ReadContext,
  type ReadFile,
  type Surroundings,
} from './surroundings.ts';
import { tokenKeyOf } from './token-key.ts';
import { inTurns } from './turn.ts';
import {
  certificateWarnings,
  chainWarnings,
  fileWarnings,
  identityWarnings,
  modeWarnings,
} from './warnings.ts';

export interface ReadOptions extends ReadContext {
  /** `'optional'`: a source without a private key is no error. */
  readonly key?: 'optional' | 'required' | undefined;
}

/** What {@link readSource} returns: the certificate, and every file that was read for it. */
export interface SourceReading<Key extends KeyObject | null = KeyObject> {
  readonly certificate: ClientCertificate<Key>;
  readonly files: readonly ReadFile[];
  /** After how many seconds, or when, the source asks to be read again. */
  readonly refresh: number | Date | undefined;
}

/**
 * Reads a client certificate from whatever it came in: PKCS#12, PEM, DER, PKCS#7 or a Java keystore, told apart
 * by content.
 *
 * @param source `{ pfx }`, `{ cert, key? }` or `{ dir }` with `passphrase`, `ca` and so on beside it, or a
 *   function that returns one.
 * @param options `{ key: 'optional' }` takes a source that holds only certificates; `privateKey` is then `null`.
 * @throws {ClientCertificateError} `ERR_CLIENTCERT_` + `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_EMPTY`,
 *   `FILE_TOO_LARGE`, `FILE_CORRUPT`, `FORMAT_UNKNOWN`, `FORMAT_UNSUPPORTED`, `PASSPHRASE_MISSING`,
 *   `PASSPHRASE_WRONG`, `KEY_MISSING`, `CERTIFICATE_MISSING`, `KEY_MISMATCH`, `IDENTITY_AMBIGUOUS`,
 *   `IDENTITY_NOT_FOUND`, `KDF_TOO_EXPENSIVE`; of a key on a token `PROVIDER_MISSING`, `MODULE_MISSING`,
 *   `ENGINE_FAILED`, `TOKEN_NOT_FOUND`, `TOKEN_KEY_NOT_FOUND`, `TOKEN_FAILED`, `PIN_MISSING`, `PIN_WRONG`; or `CONFIG_INVALID` for a source that is none.
 * @see RFC 7292 (PKCS#12), RFC 7468 (PEM), RFC 5958 (private keys), RFC 5652 (PKCS#7)
 * @example
 * import { readCertificate } from '@clientcert/core';
 * const { certificate, warnings } = await readCertificate({
 *   pfx: 'bank.pfx',
 *   passphrase: process.env.BANK_PASSPHRASE,
 * });
 * console.log(certificate.subject, certificate.validTo, warnings);
 */
export function readCertificate(
  source: CertificateSource,
  options: ReadOptions & { key: 'optional' },
): Promise<ClientCertificate<KeyObject | null>>;
export function readCertificate(source: CertificateSource, options?: ReadOptions): Promise<ClientCertificate>;
export async function readCertificate(
  source: CertificateSource,
  options: ReadOptions = {},
): Promise<ClientCertificate<KeyObject | null>> {
  return (await readSource(source, options as ReadOptions & { key: 'optional' })).certificate;
}

/** Like {@link readCertificate}, and says which files were read, for whoever watches them. */
export function readSource(
  source: CertificateSource,
  options: ReadOptions & { key: 'optional' },
): Promise<SourceReading<KeyObject | null>>;
export function readSource(source: CertificateSource, options?: ReadOptions): Promise<SourceReading>;
export async function readSource(
  source: CertificateSource,
  written: ReadOptions = {},
): Promise<SourceReading<KeyObject | null>> {
  const options = snapshot(written);
  const label = { text: options.name === undefined ? 'certificate' : `certificate "${options.name}"` };
  try {
    const fileSource = await resolveSource(source, options.signal);
    label.text = labelFor(fileSource, options);
    for (let attempt = 1; ; attempt++) {
      const surroundings = createSurroundings(options);
      try {
        return await readOnce(fileSource, surroundings, options);
      } catch (error) {
        // A mounted secret whose version was replaced and removed while it was being read.
        const again = isVanished(error) && (surroundings.files.length > 0 || (await hasMoved(surroundings)));
        if (attempt === 3 || !again) throw error;
      }
    }
  } catch (error) {
    if (options.name === undefined && error instanceof PartProblem) throw explain(error);
    throw explainAs(label.text, error);
  }
}

function isVanished(error: unknown): boolean {
  return error instanceof Problem && error.code === 'ERR_CLIENTCERT_FILE_NOT_FOUND';
}

async function resolveSource(
  source: CertificateSource,
  signal: AbortSignal = new AbortController().signal,
): Promise<FileSource> {
  if (typeof source !== 'function') return checkSource(source);
  const given = await callSource(source, { signal });
  if (!(given instanceof SourceStream)) return checkSource(given);
  const first = await firstOf(given, signal);
  given.close();
  return checkSource(first);
}

function labelFor(source: FileSource, { name, baseDirectory }: ReadContext): string {
  const what = describeSource(source, baseDirectory);
  return name === undefined ? what : `certificate "${name}" (${what})`;
}

/** Where a source is read from, as messages call it; never its contents. */
export function describeSource(source: CertificateSource, directory?: string): string {
  if (typeof source === 'function') return 'a function';
  const { pfx, cert, key, dir } = source;
  const materials = [...asArray(pfx), ...asArray(cert), key, dir].filter((each) => each !== undefined);
  return [...new Set(materials.map((material) => labelOf(material, directory)))].join(', ');
}

async function readOnce(
  source: FileSource,
  surroundings: Surroundings,
  options: ReadOptions,
): Promise<SourceReading<KeyObject | null>> {
  const keyring = await resolveKeyring(source, surroundings);
  const reading = {
    keyring,
    maxIterations: source.maxIterations,
    alias: source.alias === undefined ? undefined : readAlias(source.alias),
  };
  const { identity, key, ca } = await locateMaterials(source, surroundings);
  const several = identity.length + (key === undefined ? 0 : 1) > 1;
  const read = (material: Material, role: 'cert' | 'key', certificatesOnly = false) =>
    readPart(material, surroundings, { ...reading, certificatesOnly }, several ? role : undefined);
  const readIdentity = async (certificatesOnly: boolean): Promise<Part[]> => {
    const parts: Part[] = [];
    for (const material of identity) parts.push(await read(material, 'cert', certificatesOnly));
    return parts;
  };
  let parts = await readIdentity(key !== undefined);
  if (key !== undefined) {
    const named = await read(key, 'key');
    // Beside a key that is named, one that lies next to the certificate is of no interest, sealed or not.
    if (countKeys(named) === 0) parts = await readIdentity(false);
    parts = [...parts, named];
  }
  const given: FoundCertificate[] = [];
  for (const material of ca) given.push(...(await readCa(material, surroundings, reading, source)));
  const bundles = source.bundles && (await readBundles(source.bundles, surroundings, reading));
  const named = certificatesIn(parts.slice(0, identity.length));
  const certificate = await assemble(parts, named, { given, bundles }, keyring, source, options);
  return { certificate, files: surroundings.files, refresh: source.refresh };
}

function certificatesIn(parts: readonly Part[]): FoundCertificate[] {
  return parts.flatMap(({ contents }) => contents.certificates);
}

/** Those that were found, opened or not. */
function countKeys({ contents: { keys, laterKeys, passedOver } }: Part): number {
  return keys.length + laterKeys.length + passedOver.length;
}

interface Materials {
  readonly identity: readonly Material[];
  /** The material that was named as the key; its keys come before any that stand beside the certificate. */
  readonly key: Material | undefined;
  readonly ca: readonly CaMaterial[];
}

async function locateMaterials(source: FileSource, surroundings: Surroundings): Promise<Materials> {
  const ca = asArray(source.ca);
  if (source.dir !== undefined) {
    const layout = await readLayout(source.dir, surroundings);
    const [identity, key] = layout.identity;
    return { identity: [identity!], key, ca: [...ca, ...layout.ca] };
  }
  const identity = asArray(source.pfx ?? source.cert);
  return { identity, key: source.key, ca };
}

/** @throws Problem where what is for a token stands beside a key that is on none */
function checkTokenOptions({ pin, engine }: FileSource, key: FoundKey | undefined): void {
  if (tokenKeyOf(key?.privateKey) !== undefined) return;
  if (pin !== undefined)
    throw new Problem(
      'CONFIG_INVALID',
      'has a `pin`, and its key is on no token',
      'What opens a file is its `passphrase`.',
    );
  if (engine !== undefined)
    throw new Problem(
      'CONFIG_INVALID',
      'has an `engine`, and its key is on no token',
      "Name the key by its PKCS#11 URI: key: 'pkcs11:token=…;object=…'; or leave `engine` out.",
    );
}

/** Whom to trust, by what the source says beside the certificate. */
interface Given {
  readonly given: readonly FoundCertificate[];
  readonly bundles: ClientCertificate['bundles'];
}

/** Those that may be presented: what is named as the certificate, with the names that the same goes by beside the key, or else all. */
async function leavesAmong(
  own: readonly FoundCertificate[],
  named: readonly FoundCertificate[],
): Promise<readonly FoundCertificate[]> {
  if (named.length === 0 || named.length === own.length) return own;
  const wanted = new Set<string>();
  await inTurns(named, ({ certificate }) => void wanted.add(certificate.fingerprint256));
  const leaves: FoundCertificate[] = [];
  await inTurns(own, (each) => {
    if (wanted.has(each.certificate.fingerprint256)) leaves.push(each);
  });
  return leaves;
}

/** @param named What is in the files of the certificate. */
async function assemble(
  parts: readonly Part[],
  named: readonly FoundCertificate[],
  { given, bundles }: Given,
  keyring: Keyring,
  source: FileSource,
  options: ReadOptions,
): Promise<ClientCertificate<KeyObject | null>> {
  const own = certificatesIn(parts);
  const leaves = await leavesAmong(own, named);
  const keys = parts.flatMap(({ contents }) => contents.keys);
  const budget = createBudget(undefined, options.signal);
  const wanted = {
    alias: source.alias === undefined ? undefined : readAlias(source.alias),
    keyOptional: options.key === 'optional',
    passedOver: parts.flatMap(({ contents }) => contents.passedOver),
  };
  const later = parts.flatMap(({ contents }) => contents.laterKeys);
  if (later.length > 0) {
    const { identity } = await chooseIdentity([], leaves, { ...wanted, keyOptional: true }, budget);
    for (const each of later) keys.push(await each.open(identity.leaf.certificate));
  }
  const choice = await chooseIdentity(keys, leaves, wanted, budget);
  const { key, leaf } = choice.identity;
  checkTokenOptions(source, key);
  const pile = own.map(({ certificate }) => certificate);
  const extra = given.map(({ certificate }) => certificate);
  // Those of trust domains end a chain, and are no part of it.
  const ends = await rootsAmong(Object.values(bundles ?? {}).flat(), budget);
  const chain = await buildChain(leaf.certificate, pile, [...extra, ...ends], budget);
  const ordered = parts.every(({ contents }) => contents.ordered);
  const beside = { pile, used: chain.intermediates, only: source.trust === 'only' };
  const distrusted = new Set(
    own.flatMap((each) => (each.distrusted ? [each.certificate.fingerprint256] : [])),
  );
  const roots = chain.roots.filter(({ fingerprint256 }) => !distrusted.has(fingerprint256));
  const warnings = [
    ...certificateWarnings(leaf.certificate, chain.intermediates, options.expiryWarningDays),
    ...chainWarnings(leaf.certificate, chain, pile, ordered, choice),
    ...identityWarnings(choice),
    ...fileWarnings(
      parts.flatMap(({ contents }) => [...contents.legacy]),
      { given: (keyring.passphrase.text ?? '') !== '', used: keyring.used },
    ),
    ...parts.flatMap((part) =>
      countKeys(part) === 0
        ? []
        : modeWarnings(
            part.label,
            part.mode,
            [...part.contents.keys, ...part.contents.laterKeys].some(({ plain }) => plain),
          ),
    ),
    ...(await authorityWarnings('ca', extra, beside, budget)),
    ...(await bundleWarnings(bundles, budget)),
  ];
  return {
    privateKey: key === undefined ? null : key.privateKey,
    certificate: leaf.certificate,
    chain: chain.intermediates,
    ca: limitRoots(await withoutDuplicates([...roots, ...extra])),
    bundles,
    keyType: describeKey(leaf.certificate),
    warnings: warnings.slice(), // without the room to grow that a list has which was put together
    format: formatOf(parts.map(({ contents }) => contents)),
  };
}

/** A trust domain is verified by its own roots alone. */
async function bundleWarnings(bundles: ClientCertificate['bundles'], budget: Budget): Promise<Warning[]> {
  const warnings: Warning[] = [];
  for (const [trustDomain, roots] of Object.entries(bundles ?? {})) {
    warnings.push(
      ...(await authorityWarnings(
        `bundle of ${show(trustDomain, kindOfTrustDomain(trustDomain))}`,
        roots,
        { only: true },
        budget,
      )),
    );
  }
  return warnings;
}
