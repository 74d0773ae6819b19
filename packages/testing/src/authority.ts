import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import {
  type DistinguishedName,
  randomSerialNumber,
  type Signer,
  signCertificate,
  signRevocationList,
  type Usage,
} from './certificate.ts';
import { IssuedCertificate } from './issued.ts';
import { generateKey, importKey, type KeyType, type SignatureHash } from './keys.ts';

/** Options of {@link createAuthority}. */
export interface AuthorityOptions {
  /** The common name; `Test Authority` unless given. */
  name?: string | undefined;
  /** The key of the authority and of its intermediates: `'ec'` (P-256) unless given. */
  keyType?: KeyType | undefined;
  /** How many intermediate authorities stand between the root and what is issued; 0 unless given. */
  intermediates?: number | undefined;
  /** The hash under the signatures; `'sha256'` unless given. */
  hash?: SignatureHash | undefined;
  /** Start of validity; a year ago unless given. */
  notBefore?: Date | undefined;
  /** End of validity; in ten years unless given. */
  notAfter?: Date | undefined;
}

/** Options of {@link Authority.issue} and {@link createSelfSigned}. */
export interface IssueOptions {
  /** What the certificate is called: its common name, its friendlyName in a PFX, its file name. */
  name: string;
  /** The whole subject, in order; `name` becomes its last attribute, CN, unless it has one. */
  subject?: DistinguishedName | undefined;
  /** The key to generate: `'ec'` (P-256) unless given. */
  keyType?: KeyType | undefined;
  /** A key to certify instead of a new one: PEM or a `KeyObject`, for a renewal under the same key. */
  key?: string | KeyObject | undefined;
  /** DNS names and IP addresses that a server answers to (subjectAltName). */
  hosts?: readonly string[] | undefined;
  /** URIs (subjectAltName), such as the SPIFFE ID of a workload: `['spiffe://bank.example/payments']`. */
  uris?: readonly string[] | undefined;
  /**
   * The extended key usage: `'server'` where `hosts` are given, `'both'` where `uris` are, else `'client'`; `'none'` leaves
   * it out.
   */
  usage?: Usage | undefined;
  /** Start of validity; an hour ago unless given. */
  notBefore?: Date | undefined;
  /** End of validity; in a year unless given. */
  notAfter?: Date | undefined;
  /** Ended yesterday. */
  expired?: boolean | undefined;
  /** Starts tomorrow. */
  notYetValid?: boolean | undefined;
  /** Hexadecimal, as Node prints it; 16 random bytes unless given. */
  serialNumber?: string | undefined;
  /** The hash under the signature; the authority's unless given. */
  hash?: SignatureHash | undefined;
}

/**
 * Create a throwaway certificate authority in memory. It takes milliseconds, so that each test file, or each
 * test, can have its own.
 *
 * @example
 * ```ts
 * import { createAuthority, startServer } from '@clientcert/testing';
 *
 * const authority = await createAuthority();
 * const client = await authority.issue({ name: 'alice' });
 * const pfx = await client.pfx('secret');
 * ```
 */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const { name = 'Test Authority', intermediates = 0 } = options;
  const subject = { CN: name };
  const signer = await createSigner(subject, options.keyType);
  const certificate = certifyAuthority(signer, signer, options);
  let authority = new Authority({ signer, certificate, chain: [], options });
  for (let depth = 1; depth <= intermediates; depth++) {
    authority = await authority.issueAuthority({ name: `${name} Intermediate ${depth}` });
  }
  return authority;
}

/**
 * Create a certificate that is signed with its own key and that no authority vouches for.
 *
 * @example
 * ```ts
 * import { createSelfSigned } from '@clientcert/testing';
 *
 * const stranger = await createSelfSigned({ name: 'mallory' });
 * ```
 */
export async function createSelfSigned(options: IssueOptions): Promise<IssuedCertificate> {
  return await issueCertificate(options, undefined);
}

/** What an {@link Authority} is made of. */
interface AuthorityParts {
  readonly signer: Signer;
  readonly certificate: string;
  /** PEM of the intermediates, this authority's own first. */
  readonly chain: readonly string[];
  readonly options: AuthorityOptions;
  readonly parent?: Authority | undefined;
}

/** A certificate authority: what it issues, {@link startServer} and every TLS peer that trusts its `certificate` accept. */
export class Authority {
  /** The common name of what signs: the root, or the lowest intermediate. */
  readonly name: string;
  /** The authority that signed this one; a root has none. */
  readonly parent: Authority | undefined;
  readonly #parts: AuthorityParts;

  /** @internal */
  constructor(parts: AuthorityParts) {
    this.#parts = parts;
    this.name = parts.signer.subject.CN ?? '';
    this.parent = parts.parent;
    Object.defineProperty(this, 'parent', { enumerable: false });
  }

  /** The PEM of the root certificate: what a peer must trust (`ca`), also where intermediates stand below it. */
  get certificate(): string {
    return this.#parts.certificate;
  }

  /** The PEM of the intermediates, from the issuer of what this authority issues upwards; empty without any. */
  get chain(): string {
    return this.#parts.chain.join('');
  }

  /**
   * Issue a certificate for a new key.
   *
   * @throws {TypeError} where an option has no meaning.
   *
   * @example
   * ```ts
   * const client = await authority.issue({ name: 'alice', subject: { C: 'NL', O: 'Example' } });
   * const server = await authority.issue({ name: 'api', hosts: ['api.bank.example', '127.0.0.1'] });
   * const workload = await authority.issue({ name: 'payments', uris: ['spiffe://bank.example/payments'] });
   * const old = await authority.issue({ name: 'bob', keyType: 'rsa', expired: true });
   * ```
   */
  async issue(options: IssueOptions): Promise<IssuedCertificate> {
    return await issueCertificate({ hash: this.#parts.options.hash, ...options }, this.#parts);
  }

  /**
   * Issue an authority below this one, to build a chain step by step.
   *
   * @example
   * ```ts
   * const root = await createAuthority();
   * const clients = await root.issueAuthority({ name: 'Clients' });
   * const alice = await clients.issue({ name: 'alice' });  // alice.chain holds the certificate of "Clients"
   * ```
   */
  async issueAuthority(
    options: Omit<AuthorityOptions, 'intermediates'> & { name: string },
  ): Promise<Authority> {
    const parts = this.#parts;
    const inherited = { keyType: parts.options.keyType, hash: parts.options.hash, ...options };
    const signer = await createSigner({ CN: options.name }, inherited.keyType);
    const certificate = certifyAuthority(signer, parts.signer, inherited);
    return new Authority({
      signer,
      certificate: parts.certificate,
      chain: [certificate, ...parts.chain],
      options: inherited,
      parent: this,
    });
  }

  /**
   * The revocation lists that a server needs to refuse the given certificates of this authority: this
   * authority's own and, because OpenSSL asks for one per link, the empty ones of the authorities above.
   * They go into the `crl` option of {@link startServer}.
   */
  revocationLists(revoked: readonly IssuedCertificate[] = []): string[] {
    const serialNumbers = revoked.map((certificate) => certificate.serialNumber);
    const own = signRevocationList(serialNumbers, this.#parts.signer);
    return [own, ...(this.parent?.revocationLists() ?? [])];
  }
}

const DAY = 86_400_000;

async function createSigner(subject: DistinguishedName, keyType: KeyType | undefined): Promise<Signer> {
  const key = await generateKey(keyType);
  return { subject, key, publicKey: createPublicKey(key) };
}

function certifyAuthority({ subject, publicKey }: Signer, issuer: Signer, options: AuthorityOptions): string {
  const { hash, notBefore = new Date(Date.now() - 365 * DAY) } = options;
  const { notAfter = new Date(Date.now() + 3650 * DAY) } = options;
  const serialNumber = randomSerialNumber();
  return signCertificate(
    { subject, publicKey, notBefore, notAfter, serialNumber, usage: 'authority', hash },
    issuer,
  );
}

async function issueCertificate(
  options: IssueOptions,
  issuer: AuthorityParts | undefined,
): Promise<IssuedCertificate> {
  const { name, hosts, uris, hash, serialNumber = randomSerialNumber() } = options;
  const { usage = hosts?.length ? 'server' : uris?.length ? 'both' : 'client' } = options;
  const key = options.key === undefined ? await generateKey(options.keyType) : importKey(options.key);
  const publicKey = createPublicKey(key);
  const subject = options.subject?.CN === undefined ? { ...options.subject, CN: name } : options.subject;
  const signer = issuer?.signer ?? { subject, key, publicKey };
  const contents = { subject, publicKey, serialNumber, usage, hosts, uris, hash, ...validity(options) };
  return new IssuedCertificate({
    name,
    key,
    cert: signCertificate(contents, signer),
    chain: issuer?.chain ?? [],
    root: issuer?.certificate,
  });
}

function validity(options: IssueOptions): { notBefore: Date; notAfter: Date } {
  const [from, to] = options.expired ? [-30, -1] : options.notYetValid ? [1, 366] : [-1 / 24, 365];
  return {
    notBefore: options.notBefore ?? new Date(Date.now() + from * DAY),
    notAfter: options.notAfter ?? new Date(Date.now() + to * DAY),
  };
}
