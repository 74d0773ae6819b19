import { createSecretKey, type KeyObject, type X509Certificate } from 'node:crypto';
import type { ClientCertificate, FileFormat, Warning } from '../types.ts';
import { type CertificateFields, certificateFrom, fieldsOf } from './certificate-fields.ts';
import { certificateOf } from './certificate-of.ts';
import { privateKeyFrom } from './private-key.ts';
import { toPem } from './provider-pem.ts';
import { type TokenKey, tokenKeyOf } from './token-key.ts';

/**
 * A client certificate as it is kept while the process runs. Of thousands most are rarely used, and what OpenSSL makes
 * of one takes ten times the room of its bytes: only these are kept. Key and leaf are made of them when they are asked
 * for, and again when nobody holds them any more; intermediates and roots that several have are there once.
 */
export class StoredCertificate implements ClientCertificate {
  readonly chain: X509Certificate[];
  readonly ca: X509Certificate[];
  readonly bundles: ClientCertificate['bundles'];
  readonly keyType: string;
  readonly warnings: Warning[];
  readonly format: FileFormat;
  /** Those of the leaf. */
  readonly fields: CertificateFields;
  /** DER, one character a byte: a buffer would take twice as much. */
  readonly #leaf: string;
  /** PKCS #8 as the bytes of a secret key: outside the heap, and wiped when it is freed. */
  readonly #pkcs8: KeyObject | undefined;
  /** In its place, where the key stays on a token. */
  readonly #token: TokenKey | undefined;
  #certificate: WeakRef<X509Certificate> | undefined;
  #privateKey: WeakRef<KeyObject> | undefined;

  constructor({ privateKey, certificate, chain, ca, bundles, keyType, warnings, format }: ClientCertificate) {
    this.chain = chain.map(shared);
    this.ca = ca.map(shared);
    this.bundles = bundles && shareAll(bundles);
    this.keyType = keyType;
    this.warnings = warnings;
    this.format = format;
    this.fields = fieldsOf(certificate);
    this.#leaf = certificate.raw.toString('latin1');
    this.#token = tokenKeyOf(privateKey);
    if (this.#token !== undefined) return;
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    this.#pkcs8 = createSecretKey(pkcs8);
    pkcs8.fill(0);
  }

  /** The same, with the roots and bundles of another. */
  trustingAs({ ca, bundles }: Pick<ClientCertificate, 'ca' | 'bundles'>): StoredCertificate {
    const { privateKey, certificate, chain, keyType, warnings, format } = this;
    return new StoredCertificate({ privateKey, certificate, chain, ca, bundles, keyType, warnings, format });
  }

  /** What holds the key, where that is not this process. */
  get token(): TokenKey | undefined {
    return this.#token;
  }

  get certificate(): X509Certificate {
    const known = this.#certificate?.deref();
    if (known) return known;
    const made = certificateFrom(Buffer.from(this.#leaf, 'latin1'), this.fields);
    this.#certificate = new WeakRef(made);
    return made;
  }

  get privateKey(): KeyObject {
    if (this.#token !== undefined) return this.#token.privateKey;
    const known = this.#privateKey?.deref();
    if (known) return known;
    const pkcs8 = this.#pkcs8!.export();
    const made = privateKeyFrom({ key: pkcs8, type: 'pkcs8', format: 'der' });
    pkcs8.fill(0);
    this.#privateKey = new WeakRef(made);
    return made;
  }

  /** The same two as `tls.createSecureContext` takes them: made of the bytes, so that nothing is parsed for it. */
  get certPem(): string {
    return toPem('CERTIFICATE', Buffer.from(this.#leaf, 'latin1').toString('base64')) + this.chain.join('');
  }

  keyPem(): string {
    const pkcs8 = this.#pkcs8!.export();
    const pem = toPem('PRIVATE KEY', pkcs8.toString('base64'));
    pkcs8.fill(0);
    return pem;
  }
}

/** What holds the key of a certificate, where that is a token. */
export function tokenKeyIn(certificate: ClientCertificate): TokenKey | undefined {
  return certificate instanceof StoredCertificate ? certificate.token : tokenKeyOf(certificate.privateKey);
}

/** The fields of a client certificate's leaf. */
export function leafFieldsOf(certificate: ClientCertificate): CertificateFields {
  return certificate instanceof StoredCertificate ? certificate.fields : fieldsOf(certificate.certificate);
}

function shareAll(bundles: NonNullable<ClientCertificate['bundles']>): ClientCertificate['bundles'] {
  const entries = Object.entries(bundles).map(([trustDomain, roots]) => [trustDomain, roots.map(shared)]);
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

const authorities = new Map<string, WeakRef<X509Certificate>>();
const forgotten = new FinalizationRegistry<string>((fingerprint) => {
  if (!authorities.get(fingerprint)?.deref()) authorities.delete(fingerprint);
});

/** To be handed out: a caller can write into the bytes that Node keeps on a certificate. */
export function copyOf(certificate: X509Certificate): X509Certificate {
  return certificateOf(certificate.raw);
}

/** One object for all that hold the same certificate, and so for no caller: they get a {@link copyOf | copy}. */
function shared(certificate: X509Certificate): X509Certificate {
  const { fingerprint256 } = certificate;
  const known = authorities.get(fingerprint256)?.deref();
  if (known) return known;
  // Not the one that was read: Node keeps what was looked at on a certificate, its public key and its bytes included.
  const made = Object.freeze(certificateFrom(certificate.raw, fieldsOf(certificate)));
  authorities.set(fingerprint256, new WeakRef(made));
  forgotten.register(made, fingerprint256);
  return made;
}
