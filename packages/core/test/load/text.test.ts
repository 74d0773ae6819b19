import { describe, expect, it } from 'vitest';
import { encode } from '../../src/load/der.ts';
import { readCertificate } from '../../src/load/index.ts';
import { bytesOf } from './manifest.ts';
import { chain, codeOf, ecLeaf, identityPem, keyPem, leaf, passphrase, pem, root } from './material.ts';
import { indefinite, integer, oid, sequence } from './write.ts';

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64');

/** One identity of three certificates, as people paste it. Every one must give the same. */
const pasted: Record<string, string | Buffer> = {
  'a UTF-8 byte order mark': `\ufeff${identityPem}`,
  'UTF-16 little-endian with a mark': utf16(`\ufeff${identityPem}`),
  'UTF-16 big-endian with a mark': utf16(`\ufeff${identityPem}`).swap16(),
  'UTF-16 little-endian without a mark': utf16(identityPem),
  'UTF-16 big-endian without a mark': utf16(identityPem).swap16(),
  'CRLF line ends': identityPem.replaceAll('\n', '\r\n'),
  'CR line ends': identityPem.replaceAll('\n', '\r'),
  'leading blanks': identityPem.replace(/^/gm, '    '),
  'leading tabs and trailing blanks': identityPem.replace(/^(.*)$/gm, '\t$1  '),
  'literal \\n from an environment variable': identityPem.replaceAll('\n', '\\n'),
  'literal \\r\\n': identityPem.replaceAll('\n', '\\r\\n'),
  'literal \\\\n, escaped twice': identityPem.replaceAll('\n', '\\\\n'),
  'a JSON string': JSON.stringify(identityPem),
  'blocks glued together': identityPem.replace(/-----\n-----/g, '----------'),
  'one line, blanks for newlines': identityPem.replaceAll('\n', ' '),
  'one line, nothing for newlines': identityPem.replaceAll('\n', ''),
  'one-line bodies': identityPem.replace(/([^-])\n(?=[^-])/g, '$1'),
  'comments and bag attributes between': identityPem.replaceAll(
    '-----BEGIN',
    'Bag Attributes\n    localKeyID: 01 02\nsubject=/CN=Zoë\n-----BEGIN',
  ),
  'a block that is commented out': `${pem(ecLeaf).trim().replace(/^/gm, '# ')}\n${identityPem}\t#${keyPem}`,
  'quotation marks around': `"${identityPem}"`,
  'base64 of PEM, as in Kubernetes': base64(identityPem),
  'base64 of PEM, wrapped': base64(identityPem).replace(/.{64}/g, '$&\n'),
  'base64 of base64 of PEM': base64(base64(identityPem)),
  'percent-encoded, as proxies hand it on': encodeURIComponent(identityPem).replaceAll(
    '-----BEGIN%20',
    '-----BEGIN%20',
  ),
  'X509 CERTIFICATE labels': identityPem.replaceAll(' CERTIFICATE-', ' X509 CERTIFICATE-'),
  'the wrong label on the key': identityPem.replaceAll(' PRIVATE KEY-', ' RSA PRIVATE KEY-'),
  'zero-width spaces from a web page': identityPem.replace(/\n/g, '\u200b\n'),
  'bytes that are not UTF-8 in a comment': Buffer.concat([
    Buffer.from([0x5a, 0xe9, 0x0a]),
    Buffer.from(identityPem),
  ]),
};

describe('text as people paste it', () => {
  it.for(Object.entries(pasted))('%s', async ([, text]) => {
    const found = await readCertificate({ pfx: typeof text === 'string' ? Buffer.from(text) : text });
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
    expect(found.chain).toHaveLength(2);
    expect(found.warnings).toEqual([]);
  });

  it('takes PEM text itself for a path nowhere', async () => {
    const found = await readCertificate({ cert: pem(leaf).replaceAll('\n', '\\n'), key: keyPem });
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
  });

  it('reads a PFX in every wrapping', async () => {
    const bytes = bytesOf('pfx/aes128-sha256.p12');
    for (const wrapped of [
      base64(bytes),
      base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
      base64(base64(bytes)),
      `data:application/x-pkcs12;base64,${base64(bytes)}`,
      bytes.toString('hex'),
      bytes.toString('latin1'),
      `-----BEGIN PKCS12-----\n${base64(bytes)}\n-----END PKCS12-----`,
      Buffer.concat([Buffer.from('\r\n'), bytes]),
    ]) {
      const found = await readCertificate({ pfx: wrapped, passphrase });
      expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
      expect(found.format.container).toBe('PKCS#12');
    }
  });

  it('refuses base64 that was encoded again and again', async () => {
    let text = identityPem;
    for (let depth = 0; depth < 8; depth++) text = base64(text);
    expect(await codeOf(readCertificate({ pfx: Buffer.from(text) }))).toBe('FILE_CORRUPT');
  });
});

describe('certificate bundles', () => {
  const optional = { key: 'optional' } as const;
  const der = (certificates: typeof chain): Buffer => Buffer.concat(certificates.map(({ raw }) => raw));

  it('reads concatenated DER, of which X509Certificate reads the first', async () => {
    const found = await readCertificate({ cert: der(chain) }, optional);
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
    expect(found.chain.map(({ subject }) => subject)).toEqual([chain[1]!.subject, chain[2]!.subject]);
    expect(found.ca.map(({ fingerprint256 }) => fingerprint256)).toEqual([root.fingerprint256]);
  });

  it('sorts a chain, drops duplicates, and says so', async () => {
    const found = await readCertificate({
      cert: Buffer.from([chain[2]!, leaf, chain[1]!, leaf, chain[1]!].map(pem).join('')),
      key: keyPem,
    });
    expect(found.chain.map(({ subject }) => subject)).toEqual([chain[1]!.subject, chain[2]!.subject]);
    expect(found.warnings.map(({ code }) => code)).toEqual(['CHAIN_REORDERED']);
  });

  it('takes a leaf alone, with a warning', async () => {
    const found = await readCertificate({ cert: pem(leaf), key: keyPem });
    expect(found.warnings.map(({ code }) => code)).toEqual(['CHAIN_INCOMPLETE']);
    expect(found.warnings[0]!.message).toContain('if it is an intermediate');
  });

  it('drops what does not belong, with a warning', async () => {
    const other = bytesOf('der/p256.cer');
    const found = await readCertificate({ cert: [identityPem, other] });
    expect(found.chain).toHaveLength(2);
    expect(found.warnings.map(({ code }) => code)).toEqual(['UNRELATED_DROPPED']);
  });

  it('says nothing of authorities that stand in the file and are given as `ca` as well', async () => {
    const authorities = [...chain.slice(1), root].map(pem);
    const cert = pem(leaf) + authorities.join('');
    const found = await readCertificate({ cert, key: keyPem, ca: authorities });
    expect(found.chain.map(({ subject }) => subject)).toEqual([chain[1]!.subject, chain[2]!.subject]);
    expect(found.warnings).toEqual([]);
  });

  it('reads a TRUSTED CERTIFICATE with its trust settings behind', async () => {
    const trust = Buffer.from('300a30080603550403', 'hex').subarray(0, 2);
    const trusted = Buffer.concat([
      leaf.raw,
      trust,
      Buffer.from('060355040306035504', 'hex').subarray(0, 10),
    ]);
    const text = `-----BEGIN TRUSTED CERTIFICATE-----\n${base64(trusted)}\n-----END TRUSTED CERTIFICATE-----`;
    const found = await readCertificate({ cert: text }, optional);
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
  });

  it('ignores padding after DER', async () => {
    const padded = Buffer.concat([leaf.raw, Buffer.alloc(9)]);
    const found = await readCertificate({ cert: padded }, optional);
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
  });
});

describe('PKCS#7', () => {
  const bundle = (...rest: Buffer[]): Buffer =>
    sequence(
      oid('1.2.840.113549.1.7.2'),
      encode(
        0xa0,
        sequence(
          integer(1),
          encode(0x31),
          sequence(oid('1.2.840.113549.1.7.1')),
          encode(0xa0, ...chain.map(({ raw }) => raw)),
          ...rest,
          encode(0x31),
        ),
      ),
    );
  const crls = encode(0xa1, sequence(sequence(integer(1)), sequence(), Buffer.from('030100', 'hex')));

  it('in DER, in BER of indefinite length, with revocation lists, in PEM under every label, in base64', async () => {
    const der = bundle();
    const shell = (name: string): string => `-----BEGIN ${name}-----\n${base64(der)}\n-----END ${name}-----`;
    for (const form of [
      der,
      indefinite(der),
      bundle(crls),
      shell('PKCS7'),
      shell('CMS'),
      shell('PKCS #7 SIGNED DATA'),
      shell('CERTIFICATE'),
      base64(der),
    ]) {
      const found = await readCertificate({ cert: form }, { key: 'optional' });
      expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
      expect(found.chain).toHaveLength(2);
      expect(found.ca).toHaveLength(1);
    }
    expect((await readCertificate({ cert: der, key: keyPem })).privateKey).not.toBeNull();
  });

  it('encrypted for somebody is refused by name', async () => {
    const enveloped = sequence(oid('1.2.840.113549.1.7.3'), encode(0xa0, sequence(integer(0))));
    expect(await codeOf(readCertificate({ cert: enveloped }))).toBe('FORMAT_UNSUPPORTED');
  });
});

const foreign: Record<string, readonly [text: string | Buffer, named: RegExp]> = {
  'a certificate request': [
    '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----',
    /CSR/,
  ],
  'a public key': ['-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----', /public key/],
  'a revocation list': ['-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----', /CRL/],
  'an OpenSSH key': [bytesOf('pem/openssh.key'), /OpenSSH/],
  'an SSH public key': ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Hh me@host', /SSH public key/],
  'an SSH2 public key': [
    '---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----',
    /SSH public key/,
  ],
  'a PuTTY key': ['PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: -----BEGIN\n', /PuTTY/],
  'a PGP block': [
    '-----BEGIN PGP MESSAGE-----\nVersion: 1\n\nhQ==\n=abcd\n-----END PGP MESSAGE-----',
    /OpenPGP/,
  ],
  'an HTML page': ['\n<!DOCTYPE html><html><body>Sign in</body></html>', /HTML/],
  'an XML document': ['<?xml version="1.0"?><EntityDescriptor/>', /XML/],
  'a JSON Web Key': ['{ "kty": "EC", "crv": "P-256" }', /JSON Web Key/],
  'a Kubernetes manifest': ['apiVersion: v1\nkind: Secret\n', /Kubernetes/],
  'a BKS store': [Buffer.from(`0000000200000014${'00'.repeat(40)}`, 'hex'), /BKS/],
  'a ZIP archive': [Buffer.from('PK\x03\x04zzzzzzzzzz'), /ZIP/],
  'an NSS database': [Buffer.from('SQLite format 3\0......'), /NSS/],
};

describe('what is recognised and refused by name, with what to do', () => {
  it.for(Object.entries(foreign))('%s', async ([, [text, named]]) => {
    const error = await readCertificate({ pfx: Buffer.from(text) }).catch((thrown) => thrown);
    expect(error.code).toBe('ERR_CLIENTCERT_FORMAT_UNSUPPORTED');
    expect(error.message).toMatch(named);
    expect(error.hint.length).toBeGreaterThan(20);
  });

  it('a PFX that was opened as UTF-8 text and saved', async () => {
    const ruined = Buffer.from(bytesOf('pfx/aes128-sha256.p12').toString('utf8'));
    const error = await readCertificate({ pfx: ruined, passphrase }).catch((thrown) => thrown);
    expect(error.code).toBe('ERR_CLIENTCERT_FILE_CORRUPT');
    expect(error.message).toMatch(/UTF-8/);
  });

  it('nothing but blanks', async () => {
    for (const empty of ['', ' \r\n\t', '\0\0\0\0'])
      expect(await codeOf(readCertificate({ pfx: Buffer.from(empty) }))).toBe('FILE_EMPTY');
  });

  it('what is nothing at all', async () => {
    for (const text of [
      'hello',
      'hello world, this is no certificate',
      '0123456789',
      Buffer.from([1, 2, 3, 4, 200]),
    ])
      expect(await codeOf(readCertificate({ pfx: Buffer.from(text) }))).toBe('FORMAT_UNKNOWN');
  });

  it('is no obstacle beside a key and a certificate', async () => {
    const [text] = foreign['a certificate request']!;
    const found = await readCertificate({ pfx: Buffer.from(`${text}\n${identityPem}`) });
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
  });
});
