import type { KeyObject, X509Certificate } from 'node:crypto';

/**
 * Where bytes come from: a path, a `file:` URL, `{ env: 'NAME' }` (PEM or base64), the bytes themselves,
 * or a PEM string. The content decides the format, never the option's name or the file's extension.
 */
export type Material = string | URL | Uint8Array | { env: string };

/** A passphrase, the environment variable or file that holds it, or a function that returns it. */
export type Passphrase =
  | string
  | { env: string }
  | { file: string | URL }
  | (() => string | undefined | Promise<string | undefined>);

/** What may stand beside `pfx`, `cert` or `dir` in a source. */
export interface SourceOptions {
  passphrase?: Passphrase | undefined;
  /** For Java stores whose key has a passphrase of its own. */
  keyPassphrase?: Passphrase | undefined;
  /** Roots trusted on every connection whose rule names this certificate. */
  ca?: Material | readonly Material[] | undefined;
  /** `'only'`: trust nothing but `ca`. */
  trust?: 'only' | undefined;
  /** Which identity to take where a file holds several: a friendlyName, a Java alias, or a SHA-256 fingerprint. */
  alias?: string | undefined;
  /** Rounds of key derivation allowed in total for one file (5,000,000 unless written). */
  maxIterations?: number | undefined;
}

/** A certificate with its key: one file that holds both, a pair of files, or a mounted secret. */
export type FileSource = SourceOptions &
  (
    | { pfx: Material; cert?: undefined; key?: undefined; dir?: undefined }
    | {
        cert: Material | readonly Material[];
        key?: Material | undefined;
        pfx?: undefined;
        dir?: undefined;
      }
    | { dir: string | URL; pfx?: undefined; cert?: undefined; key?: undefined }
  );

/** What {@link readCertificate} takes: a {@link FileSource}, or a function that returns one. */
export type CertificateSource = FileSource | (() => FileSource | Promise<FileSource>);

/** Every code that a {@link Warning} can carry. */
export type WarningCode =
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'EXPIRING'
  | 'NO_CLIENT_AUTH'
  | 'WEAK_KEY'
  | 'WEAK_SIGNATURE'
  | 'CHAIN_INCOMPLETE'
  | 'CHAIN_REORDERED'
  | 'UNRELATED_DROPPED'
  | 'KEY_NOT_PRESENTABLE'
  | 'KEY_FILE_READABLE'
  | 'PASSPHRASE_UNUSED'
  | 'IDENTITY_CHOSEN'
  | 'LEGACY_ENCRYPTION';

/** Something that does not stop a certificate from being used, and that its owner should know. */
export interface Warning {
  code: WarningCode;
  message: string;
}

/** One checked certificate: the key belongs to the leaf, the chain is in order. */
export interface ClientCertificate<Key extends KeyObject | null = KeyObject> {
  /** The private key of `certificate`; `null` only where `{ key: 'optional' }` allowed it. */
  privateKey: Key;
  /** The leaf. */
  certificate: X509Certificate;
  /** The intermediates, from the leaf's issuer upwards, without the root. */
  chain: X509Certificate[];
  /** The self-signed roots that were found in the file or given as `ca`. */
  ca: X509Certificate[];
  warnings: Warning[];
  /** What the file was. */
  format: FileFormat;
}

/** What a certificate file was, for people and for `clientcert inspect`. */
export interface FileFormat {
  /** What holds the identity, e.g. `PKCS#12`, `PEM`, `DER`, `PKCS#7`, `JKS`, `JCEKS`. */
  container: string;
  /** What encrypts key and certificates, and what protects their integrity, e.g. `PBES2 AES-256-CBC, HMAC-SHA256, 2048 rounds`. */
  algorithms: string[];
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** The TLS versions allowed on a connection. Below TLS 1.2 only with `legacy`. */
export interface TlsRange {
  readonly min: TlsVersion;
  readonly max: TlsVersion;
  readonly legacy: boolean;
}

/**
 * The answer for one host, port and service: which certificate, over which TLS versions, trusting whom.
 * Frozen, and the same object for equal decisions, so that it can key a secure context and a pool.
 */
export interface Resolution {
  /** Name of the certificate to present, or `null` for none. */
  readonly certificate: string | null;
  /** The rule that won, as its place in the config, e.g. `hosts["api.bank.example"]`; `none` where no rule names the host. */
  readonly rule: string;
  readonly tls: TlsRange;
  /** The rule's own extra roots; those of the certificate come beside them. */
  readonly ca: readonly X509Certificate[];
  /** `'only'`: trust nothing but the extra roots. */
  readonly trust: 'system' | 'only';
  /** Accepted `sha256/…` pins on the server's public key; empty for any. */
  readonly spki: readonly string[];
  /** A connection on which the server does not ask for the certificate is an error. */
  readonly required: boolean;
  /** The rule says `false`: no certificate, whatever else names the host. */
  readonly denied: boolean;
  /** The server is not verified. */
  readonly unverified: boolean;
}
