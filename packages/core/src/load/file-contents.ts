import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Alias } from './alias.ts';
import type { Budget } from './budget.ts';
import type { Keyring } from './passphrase.ts';
import type { Surroundings } from './surroundings.ts';

/** A private key as it was found, checked to be one that OpenSSL takes. */
export interface FoundKey {
  readonly privateKey: KeyObject;
  readonly alias: string | undefined;
  /** Nothing but the file's permissions protected it. */
  readonly plain: boolean;
  /** A MAC, or a digest over the key itself, vouches for its bytes. */
  readonly intact: boolean;
}

/** A key that can be opened once its certificate is known. */
export interface LaterKey {
  readonly plain: boolean;
  /** @throws Problem where it is not there, or is not that of the certificate */
  open(leaf: X509Certificate): Promise<FoundKey>;
}

export interface FoundCertificate {
  readonly certificate: X509Certificate;
  readonly alias: string | undefined;
  /** The same as that of its key, where the format links the two. */
  readonly keyId?: string | undefined;
  /** The file itself says that no server is to be trusted by it. */
  readonly distrusted?: boolean | undefined;
}

/** A key that was not opened, and its certificate where the file says which it is. */
export interface PassedOver {
  readonly alias: string | undefined;
  readonly certificate: X509Certificate | undefined;
}

/** Something that was recognised and cannot serve as key or certificate. */
export interface UnsupportedFormat {
  /** `a certificate request (CSR)` */
  readonly what: string;
  readonly hint: string;
}

/** Everything that one material holds. */
export interface FileContents {
  container: string;
  /** Algorithms that protect it, each once, in the order in which they were met. */
  readonly algorithms: Set<string>;
  /** Those of them that OpenSSL 3 has dropped. */
  readonly legacy: Set<string>;
  readonly keys: FoundKey[];
  readonly laterKeys: LaterKey[];
  /** Keys that were left sealed, because another was chosen by its alias. */
  readonly passedOver: PassedOver[];
  readonly certificates: FoundCertificate[];
  readonly skipped: UnsupportedFormat[];
  /** The format keeps certificates in the order in which they would be sent. */
  ordered: boolean;
}

/** What the readers of the single formats share while they read one material. */
export interface Reading {
  readonly keyring: Keyring;
  readonly budget: Budget;
  readonly contents: FileContents;
  /** Private keys are left alone, and passphrases that only they need are not asked for. */
  readonly certificatesOnly: boolean;
  /** What a PIN that is named as a file is read with. */
  readonly surroundings?: Surroundings | undefined;
  /** The identity that was chosen: of several keys that are sealed one by one, no other is opened. */
  readonly alias: Alias | undefined;
}

export function createContents(): FileContents {
  return {
    container: '',
    algorithms: new Set(),
    legacy: new Set(),
    keys: [],
    laterKeys: [],
    passedOver: [],
    certificates: [],
    skipped: [],
    ordered: false,
  };
}

/** Notes what protects a part of the file. */
export function noteAlgorithm({ contents }: Reading, scheme: { title: string; legacy: boolean }): void {
  contents.algorithms.add(scheme.title);
  if (scheme.legacy) contents.legacy.add(scheme.title);
}
