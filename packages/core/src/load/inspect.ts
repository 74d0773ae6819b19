import type { KeyObject, X509Certificate } from 'node:crypto';
import { snapshot } from '../own.ts';
import type { FileFormat, Material, Passphrase } from '../types.ts';
import { describeKey, describePrivateKey } from './key-type.ts';
import { explainAs } from './problem.ts';
import { labelOf } from './source.ts';
import { formatOf, readPart, resolveKeyring } from './source-part.ts';
import { createSurroundings, type ReadContext } from './surroundings.ts';
import { inTurns } from './turn.ts';

/** Everything one file holds, whether it makes an identity or not. */
export interface Inspection {
  /** What the file is: its container, and what protects it. */
  readonly format: FileFormat;
  /** Those of `format.algorithms` that no Node opens by itself since OpenSSL 3. */
  readonly legacyAlgorithms: readonly string[];
  /** The private keys, by what can be said of them. */
  readonly keys: readonly {
    readonly privateKey: KeyObject;
    readonly alias: string | undefined;
    /** As Node calls it, with its size or curve: `rsa 2048`, `ec prime256v1`. */
    readonly keyType: string;
    /** Whether a passphrase protected it. */
    readonly encrypted: boolean;
  }[];
  /** The certificates, in the order of the file. */
  readonly certificates: readonly {
    readonly certificate: X509Certificate;
    readonly alias: string | undefined;
    readonly keyType: string;
  }[];
  /** What else was recognised and skipped: `a certificate request (CSR)`, … */
  readonly skipped: readonly string[];
}

/** What `inspectFile` may be told beside the file. */
export interface InspectOptions extends ReadContext {
  /** Of the file; without it, what is not encrypted is read. */
  readonly passphrase?: Passphrase | undefined;
  /** Of a key in a store, where it has one of its own. */
  readonly keyPassphrase?: Passphrase | undefined;
  /** How many rounds of key derivation the file may ask for. */
  readonly maxIterations?: number | undefined;
}

/**
 * Takes one file apart without asking for a key and a certificate that belong together: a key alone, a bundle of
 * certificates, or an identity, in any format that {@link readCertificate} reads.
 *
 * @throws {ClientCertificateError} The codes of {@link readCertificate} that concern files, formats and
 *   passphrases.
 * @example
 * import { inspectFile } from '@clientcert/core';
 * const { format, keys, certificates } = await inspectFile('unknown.bin', { passphrase: process.env.PASSPHRASE });
 */
export async function inspectFile(material: Material, given: InspectOptions = {}): Promise<Inspection> {
  const options = snapshot(given);
  const surroundings = createSurroundings(options);
  try {
    const keyring = await resolveKeyring(options, surroundings);
    const { contents } = await readPart(material, surroundings, {
      keyring,
      maxIterations: options.maxIterations,
    });
    const keys: Inspection['keys'][number][] = [];
    await inTurns(contents.keys, ({ privateKey, alias, plain }) => {
      keys.push({ privateKey, alias, keyType: describePrivateKey(privateKey), encrypted: !plain });
    });
    const certificates: Inspection['certificates'][number][] = [];
    await inTurns(contents.certificates, ({ certificate, alias }) => {
      certificates.push({ certificate, alias, keyType: describeKey(certificate) });
    });
    return {
      format: formatOf([contents]),
      legacyAlgorithms: [...contents.legacy],
      keys,
      certificates,
      skipped: [...new Set(contents.skipped.map(({ what }) => what))],
    };
  } catch (error) {
    throw explainAs(options.name ?? labelOf(material), error);
  }
}
