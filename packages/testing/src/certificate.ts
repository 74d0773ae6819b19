import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificateList,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  RevokedCertificate,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  TBSCertList,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import type { SignatureHash } from './keys.ts';

/** A distinguished name, attribute by attribute, in the order in which it shall stand: `{ C: 'NL', O: 'Example', CN: 'alice' }`. */
export type DistinguishedName = { readonly [attribute in NameAttribute]?: string | undefined };

/** The attributes that {@link DistinguishedName} knows, by their usual short names. */
export type NameAttribute = keyof typeof ATTRIBUTES;

/**
 * What a certificate may be used for, as its extended key usage says; `'none'` leaves the extension out, which
 * servers take as "anything".
 */
export type Usage = 'client' | 'server' | 'both' | 'email' | 'none';

/** Who signs: the name and key of the issuer. For a self-signed certificate these are its own. */
export interface Signer {
  readonly subject: DistinguishedName;
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
}

/** Everything that stands in a certificate. */
export interface CertificateContents {
  readonly subject: DistinguishedName;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hexadecimal, as Node prints it. */
  readonly serialNumber: string;
  readonly usage: Usage | 'authority';
  /** DNS names and IP addresses of the subjectAltName extension. */
  readonly hosts?: readonly string[] | undefined;
  /** URIs of the same extension. */
  readonly uris?: readonly string[] | undefined;
  readonly hash?: SignatureHash | undefined;
}

/** Sign a certificate; returns its PEM. */
export function signCertificate(contents: CertificateContents, signer: Signer): string {
  const algorithm = signatureAlgorithm(signer.key, contents.hash ?? 'sha256');
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: integer(contents.serialNumber),
    signature: algorithm.identifier,
    issuer: name(signer.subject),
    validity: new Validity({ notBefore: contents.notBefore, notAfter: contents.notAfter }),
    subject: name(contents.subject),
    subjectPublicKeyInfo: publicKeyInfo(contents.publicKey),
    extensions: new Extensions(extensions(contents, signer)),
  });
  const signatureValue = algorithm.sign(AsnConvert.serialize(tbsCertificate));
  return pem(
    'CERTIFICATE',
    AsnConvert.serialize(
      new Certificate({ tbsCertificate, signatureAlgorithm: algorithm.identifier, signatureValue }),
    ),
  );
}

/** Sign a certificate revocation list (RFC 5280 section 5) that is valid for a day; returns its PEM. */
export function signRevocationList(serialNumbers: readonly string[], signer: Signer): string {
  const algorithm = signatureAlgorithm(signer.key, 'sha256');
  const revocationDate = new Time(new Date(Date.now() - HOUR));
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: algorithm.identifier,
    issuer: name(signer.subject),
    thisUpdate: revocationDate,
    nextUpdate: new Time(new Date(Date.now() + 24 * HOUR)),
  });
  if (serialNumbers.length > 0) {
    tbsCertList.revokedCertificates = serialNumbers.map(
      (serial) => new RevokedCertificate({ userCertificate: integer(serial), revocationDate }),
    );
  }
  const signature = algorithm.sign(AsnConvert.serialize(tbsCertList));
  return pem(
    'X509 CRL',
    AsnConvert.serialize(
      new CertificateList({ tbsCertList, signatureAlgorithm: algorithm.identifier, signature }),
    ),
  );
}

/** A random serial number of 16 bytes, positive and without leading zeros, in hexadecimal. */
export function randomSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex').toUpperCase();
}

const HOUR = 3_600_000;

const ATTRIBUTES = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  organizationIdentifier: '2.5.4.97',
  emailAddress: '1.2.840.113549.1.9.1',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
} as const;

/** RFC 5280 appendix A fixes the string type of these; all others are UTF8String. */
const STRING_TYPES: { readonly [attribute: string]: 'printableString' | 'ia5String' } = {
  C: 'printableString',
  serialNumber: 'printableString',
  emailAddress: 'ia5String',
  DC: 'ia5String',
};

function name(subject: DistinguishedName): Name {
  const parts: RelativeDistinguishedName[] = [];
  for (const [attribute, text] of Object.entries(subject)) {
    if (text === undefined) continue;
    const type = ATTRIBUTES[attribute as NameAttribute];
    if (!type) {
      throw new TypeError(
        `Unknown subject attribute "${attribute}": use ${Object.keys(ATTRIBUTES).join(', ')}`,
      );
    }
    const value = new AttributeValue({ [STRING_TYPES[attribute] ?? 'utf8String']: text });
    parts.push(new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })]));
  }
  return new Name(parts);
}

const EXTENDED_KEY_USAGE: { readonly [usage in Usage]: readonly string[] } = {
  client: ['1.3.6.1.5.5.7.3.2'],
  server: ['1.3.6.1.5.5.7.3.1'],
  both: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'],
  email: ['1.3.6.1.5.5.7.3.4'],
  none: [],
};

function extensions(contents: CertificateContents, signer: Signer): Extension[] {
  const { usage, publicKey, hosts = [], uris = [] } = contents;
  const subjectKey = new SubjectKeyIdentifier(keyIdentifier(publicKey));
  const issuerKey = new AuthorityKeyIdentifier({
    keyIdentifier: new KeyIdentifier(keyIdentifier(signer.publicKey)),
  });
  const list = [extension('2.5.29.14', subjectKey), extension('2.5.29.35', issuerKey)];
  if (usage === 'authority') {
    list.push(extension('2.5.29.19', new BasicConstraints({ cA: true }), true));
    list.push(extension('2.5.29.15', new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true));
    return list;
  }
  const keyUsage =
    publicKey.asymmetricKeyType === 'rsa'
      ? KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment
      : KeyUsageFlags.digitalSignature;
  list.push(extension('2.5.29.15', new KeyUsage(keyUsage), true));
  const purposes = EXTENDED_KEY_USAGE[usage];
  if (!purposes)
    throw new TypeError(`Unknown usage "${usage}": use 'client', 'server', 'both', 'email' or 'none'`);
  if (purposes.length > 0) list.push(extension('2.5.29.37', new ExtendedKeyUsage([...purposes])));
  const names = [
    ...hosts.map(generalName),
    ...uris.map((uri) => new GeneralName({ uniformResourceIdentifier: uri })),
  ];
  if (names.length > 0) list.push(extension('2.5.29.17', new SubjectAlternativeName(names)));
  return list;
}

function extension(extnID: string, value: unknown, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function generalName(host: string): GeneralName {
  return isIP(host) ? new GeneralName({ iPAddress: host }) : new GeneralName({ dNSName: host });
}

/** RFC 5280 section 4.2.1.2, method 1: the SHA-1 of the public key's bits. */
function keyIdentifier(publicKey: KeyObject): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(publicKeyInfo(publicKey).subjectPublicKey);
  return new Uint8Array(createHash('sha1').update(bits).digest());
}

/** An authority's key is asked for with all that it issues. */
const publicKeyInfos = new WeakMap<KeyObject, SubjectPublicKeyInfo>();

function publicKeyInfo(publicKey: KeyObject): SubjectPublicKeyInfo {
  let info = publicKeyInfos.get(publicKey);
  if (!info) {
    info = AsnConvert.parse(publicKey.export({ format: 'der', type: 'spki' }), SubjectPublicKeyInfo);
    publicKeyInfos.set(publicKey, info);
  }
  return info;
}

interface SignatureAlgorithm {
  readonly identifier: AlgorithmIdentifier;
  sign(bytes: ArrayBuffer): ArrayBuffer;
}

const SIGNATURES: { readonly [keyType: string]: { readonly [hash in SignatureHash]: string } | string } = {
  ec: {
    sha1: '1.2.840.10045.4.1',
    sha256: '1.2.840.10045.4.3.2',
    sha384: '1.2.840.10045.4.3.3',
    sha512: '1.2.840.10045.4.3.4',
  },
  rsa: {
    sha1: '1.2.840.113549.1.1.5',
    sha256: '1.2.840.113549.1.1.11',
    sha384: '1.2.840.113549.1.1.12',
    sha512: '1.2.840.113549.1.1.13',
  },
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
  // RFC 9881, section 2
  'ml-dsa-44': '2.16.840.1.101.3.4.3.17',
  'ml-dsa-65': '2.16.840.1.101.3.4.3.18',
  'ml-dsa-87': '2.16.840.1.101.3.4.3.19',
};

const ASN1_NULL = new Uint8Array([5, 0]).buffer;

function signatureAlgorithm(key: KeyObject, hash: SignatureHash): SignatureAlgorithm {
  const type = key.asymmetricKeyType ?? '';
  const table = SIGNATURES[type];
  if (!table)
    throw new TypeError(
      `A key of type "${type}" cannot sign certificates here: use an EC, RSA, Ed25519, Ed448 or ML-DSA key`,
    );
  const algorithm = typeof table === 'string' ? table : table[hash];
  if (!algorithm) throw new TypeError(`Unknown hash "${hash}": use 'sha1', 'sha256', 'sha384' or 'sha512'`);
  return {
    identifier: new AlgorithmIdentifier({ algorithm, ...(type === 'rsa' ? { parameters: ASN1_NULL } : {}) }),
    sign: (bytes) => {
      const signature = sign(typeof table === 'string' ? null : hash, new Uint8Array(bytes), key);
      return new Uint8Array(signature).buffer;
    },
  };
}

/** The bytes of a positive INTEGER; a set top bit needs a zero before it. */
function integer(hexadecimal: string): ArrayBuffer {
  if (!/^[0-9a-f]+$/i.test(hexadecimal)) {
    throw new TypeError(`Serial number "${hexadecimal}" is not hexadecimal`);
  }
  const even = hexadecimal.length % 2 === 0 ? hexadecimal : `0${hexadecimal}`;
  const bytes = Buffer.from(even, 'hex');
  return new Uint8Array(bytes[0]! > 0x7f ? [0, ...bytes] : bytes).buffer;
}

/** PEM armour (RFC 7468) with a newline at its end, so that texts can be joined. */
function pem(label: string, der: ArrayBuffer | Uint8Array): string {
  const lines =
    Buffer.from(der as ArrayBuffer)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
