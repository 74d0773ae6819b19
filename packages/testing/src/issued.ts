import { type KeyObject, X509Certificate } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PfxOptions, writePfx } from './pfx.ts';

/** The paths that {@link IssuedCertificate.files} wrote. */
export interface CertificateFiles {
  /** PEM of the certificate and its intermediates. */
  readonly cert: string;
  /** PKCS#8 PEM, encrypted where a passphrase was given. */
  readonly key: string;
  /** PKCS#12; its passphrase is empty where none was given. */
  readonly pfx: string;
  /** PEM of the root certificate; of the certificate itself where it is self-signed. */
  readonly ca: string;
}

/** Options of {@link IssuedCertificate.files}. */
export interface CertificateFilesOptions extends PfxOptions {
  /** Encrypts the key and the PFX. */
  passphrase?: string | undefined;
}

/** What an {@link IssuedCertificate} is made of. */
interface IssuedParts {
  readonly name: string;
  readonly key: KeyObject;
  readonly cert: string;
  readonly chain: readonly string[];
  readonly root: string | undefined;
}

/**
 * A certificate with its private key, as `authority.issue` made it. What prints the object (a failed
 * assertion, `console.log`, `JSON.stringify`) shows name, subject and fingerprint, never the key.
 */
export class IssuedCertificate {
  /** What it is called: its common name, its friendlyName in a PFX, its file name. */
  readonly name: string;
  /** As Node's `X509Certificate` writes it: one attribute a line. */
  readonly subject: string;
  /** Written like `subject`. */
  readonly issuer: string;
  /** Hexadecimal, as Node prints it. */
  readonly serialNumber: string;
  /** SHA-256 of the DER, as Node prints it: upper-case hexadecimal pairs joined by colons. */
  readonly fingerprint256: string;
  /** As Node's `X509Certificate` writes it: `Jan  1 00:00:00 2026 GMT`. */
  readonly validFrom: string;
  /** Written like `validFrom`. */
  readonly validTo: string;
  readonly #parts: IssuedParts;

  /** @internal */
  constructor(parts: IssuedParts) {
    const certificate = new X509Certificate(parts.cert);
    this.#parts = parts;
    this.name = parts.name;
    this.subject = certificate.subject;
    this.issuer = certificate.issuer;
    this.serialNumber = certificate.serialNumber;
    this.fingerprint256 = certificate.fingerprint256;
    this.validFrom = certificate.validFrom;
    this.validTo = certificate.validTo;
  }

  /** PEM of the certificate alone. */
  get cert(): string {
    return this.#parts.cert;
  }

  /** PEM of the intermediates, from the issuer upwards and without the root; empty without any. */
  get chain(): string {
    return this.#parts.chain.join('');
  }

  /** PEM of the certificate and its intermediates: what Node's `cert` option takes. */
  get fullChain(): string {
    return this.cert + this.chain;
  }

  /** PEM of the root that vouches for it: what a peer must trust. A self-signed certificate is its own. */
  get ca(): string {
    return this.#parts.root ?? this.#parts.cert;
  }

  /** PKCS#8 PEM of the private key, not encrypted. */
  get key(): string {
    return this.#parts.key.export({ type: 'pkcs8', format: 'pem' }) as string;
  }

  /** PKCS#8 PEM of the private key, encrypted with AES-256-CBC (PBES2). */
  encryptedKey(passphrase: string): string {
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const;
    return this.#parts.key.export(options) as string;
  }

  /**
   * A PFX (PKCS#12) of key, certificate and intermediates.
   *
   * @example
   * ```ts
   * const modern = await client.pfx('secret');                                  // as OpenSSL 3 and Windows 11 write it
   * const legacy = await client.pfx('secret', { encryption: 'legacy-rc2' });    // as old Windows exports it
   * ```
   */
  async pfx(passphrase: string, options?: PfxOptions): Promise<Buffer> {
    return await writePfx([this], passphrase, options);
  }

  /**
   * Write certificate, key, PFX and root into a directory, which is made where it is missing. The key and the
   * PFX are readable by their owner alone (mode 0600).
   *
   * @example
   * ```ts
   * const { pfx } = await client.files(directory, { passphrase: 'secret' });  // …/alice.pfx
   * ```
   */
  async files(directory: string, options: CertificateFilesOptions = {}): Promise<CertificateFiles> {
    const { passphrase, ...pfxOptions } = options;
    const base = join(directory, this.name.replace(/[^\w.@-]+/g, '_'));
    const paths = { cert: `${base}.crt`, key: `${base}.key`, pfx: `${base}.pfx`, ca: `${base}-ca.crt` };
    const pfx = await this.pfx(passphrase ?? '', pfxOptions);
    await mkdir(directory, { recursive: true });
    await Promise.all([
      writeFile(paths.cert, this.fullChain),
      writeFile(paths.ca, this.ca),
      writeSecret(paths.key, passphrase === undefined ? this.key : this.encryptedKey(passphrase)),
      writeSecret(paths.pfx, pfx),
    ]);
    return paths;
  }
}

async function writeSecret(path: string, content: string | Buffer): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await chmod(path, 0o600); // a file that was there before has kept its mode
}
