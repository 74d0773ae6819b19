import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encode, encodeOid } from '../../src/load/der.ts';
import { readCertificate, readRoots } from '../../src/load/index.ts';
import type { FileSource } from '../../src/types.ts';
import { bytesOf, fixture } from './manifest.ts';
import { chain, codeOf, identityPem, keyPem, leaf, passphrase, pem, root } from './material.ts';
import { integer, sequence } from './write.ts';

const UTF8 = 0x0c;
const PRINTABLE = 0x13;
const BMP = 0x1e;

/** A name of an organization and a common name, each as the string type that was given. */
function name(organization: [number, string], common: [number, string]): Buffer {
  const part = (oid: string, [tag, text]: [number, string]): Buffer =>
    encode(
      0x31,
      sequence(
        encodeOid(oid),
        encode(tag, tag === BMP ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text)),
      ),
    );
  return sequence(part('2.5.4.10', organization), part('2.5.4.3', common));
}

interface Made {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

let serial = 1;

/** A certificate with these very names, signed by the issuer or by itself. */
function make(subject: Buffer, issuer?: { name: Buffer; key: KeyObject }, extensions: Buffer[] = []): Made {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence(encodeOid('1.2.840.10045.4.3.2'));
  const time = (text: string): Buffer => encode(0x17, Buffer.from(text));
  const signed = sequence(
    encode(0xa0, integer(2)),
    integer(++serial),
    algorithm,
    issuer?.name ?? subject,
    sequence(time('200101000000Z'), time('491231000000Z')),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [encode(0xa3, sequence(...extensions))] : []),
  );
  const signature = sign('sha256', signed, issuer?.key ?? key);
  const raw = sequence(signed, algorithm, encode(0x03, Buffer.from([0]), signature));
  return { certificate: new X509Certificate(raw), key };
}

const authority: Buffer = sequence(
  encodeOid('2.5.29.19'),
  encode(0x04, sequence(encode(0x01, Buffer.from([0xff])))),
);
const pemOf = (...made: Made[]): string => made.map(({ certificate }) => certificate.toString()).join('');
const keyOf = ({ key }: Made): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const codes = async (source: FileSource): Promise<string[]> =>
  (await readCertificate(source)).warnings.map(({ code }) => code);

describe('names are compared as RFC 5280, section 7.1 says', () => {
  const top = make(name([UTF8, 'Example'], [UTF8, 'Top']), undefined, [authority]);
  const topName = name([PRINTABLE, 'EXAMPLE'], [PRINTABLE, 'top']);
  const issuing = make(name([UTF8, 'Example'], [UTF8, 'Issuing  CA']), { name: topName, key: top.key }, [
    authority,
  ]);

  it.for([
    ['another string type', name([PRINTABLE, 'Example'], [PRINTABLE, 'Issuing  CA'])],
    ['BMPString', name([BMP, 'Example'], [BMP, 'Issuing CA'])],
    ['case', name([UTF8, 'EXAMPLE'], [UTF8, 'issuing ca'])],
    ['blank space', name([UTF8, ' Example'], [UTF8, 'Issuing CA '])],
  ] as const)('%s', async ([, issuer]) => {
    const client = make(name([UTF8, 'Example'], [UTF8, 'client']), { name: issuer, key: issuing.key });
    const found = await readCertificate({ cert: Buffer.from(keyOf(client) + pemOf(client, issuing, top)) });
    expect(found.chain.map(({ subject }) => subject)).toEqual([issuing.certificate.subject]);
    expect(found.ca.map(({ subject }) => subject)).toEqual([top.certificate.subject]);
    expect(found.warnings).toEqual([]);
  });

  it('and another name is another', async () => {
    const issuer = name([UTF8, 'Example'], [UTF8, 'IssuingCA']);
    const client = make(name([UTF8, 'Example'], [UTF8, 'client']), { name: issuer, key: issuing.key });
    const found = await readCertificate({ cert: Buffer.from(keyOf(client) + pemOf(client, issuing)) });
    expect(found.chain).toEqual([]);
  });
});

describe('a chain without its root', () => {
  const issuerName = name([UTF8, 'Example'], [UTF8, 'Issuer']);
  const { key } = make(issuerName);
  const subject = name([UTF8, 'Example'], [UTF8, 'client']);
  const identifier = (issuer: Buffer): Buffer =>
    sequence(
      encodeOid('2.5.29.35'),
      encode(0x04, sequence(encode(0xa1, encode(0xa4, issuer)), encode(0x82, Buffer.from([1])))),
    );

  it.for([
    ['an issuer that may be an intermediate', issuerName, [], ['CHAIN_INCOMPLETE']],
    ['one that issued itself', issuerName, [identifier(issuerName)], []],
    ['one that another issued', issuerName, [identifier(subject)], ['CHAIN_INCOMPLETE']],
    ['one that is called a root', name([UTF8, 'Example'], [UTF8, 'Example Root CA']), [], []],
    ['one of a generation', name([UTF8, 'Example'], [UTF8, 'Example Global Root CA - G2']), [], []],
    ['one that a root issued', name([UTF8, 'x'], [UTF8, 'Root Intermediate 1']), [], ['CHAIN_INCOMPLETE']],
    ['one below', name([UTF8, 'x'], [UTF8, 'Example Sub Root CA']), [], ['CHAIN_INCOMPLETE']],
    ['one of a house of that name', name([UTF8, 'Root'], [UTF8, 'Root Cars CA']), [], ['CHAIN_INCOMPLETE']],
  ] as const)('%s', async ([, issuer, extensions, expected]) => {
    const client = make(subject, { name: issuer, key }, [...extensions]);
    expect(await codes({ cert: Buffer.from(keyOf(client) + pemOf(client)) })).toEqual(expected);
  });
});

describe('a `ca` by which nothing is trusted', () => {
  const source = { cert: Buffer.from(identityPem) };
  const server = make(name([UTF8, 'Elsewhere'], [UTF8, 'server']), {
    name: name([UTF8, 'Elsewhere'], [UTF8, 'Top']),
    key: make(name([UTF8, 'x'], [UTF8, 'y'])).key,
  });

  it('an intermediate, or a server’s own certificate', async () => {
    const { warnings } = await readCertificate({ ...source, ca: pemOf(server) });
    expect(warnings.map(({ code }) => code)).toEqual(['CA_WITHOUT_ROOT']);
    expect(warnings[0]!.message).toMatch(
      /CN=server, O=Elsewhere is a server's certificate.*CN=Top, O=Elsewhere/,
    );
    const other = make(
      name([UTF8, 'Elsewhere'], [UTF8, 'Issuing']),
      { name: name([UTF8, 'E'], [UTF8, 'T']), key: server.key },
      [authority],
    );
    const found = await readCertificate({ ...source, ca: [pem(root), pemOf(other)] });
    expect(found.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('is an intermediate'),
    ]);
  });

  it.for([
    ['its root beside it', [pem(chain[2]!), pem(root)]],
    ['a server’s certificate that issued itself', [pemOf(make(name([UTF8, 'a'], [UTF8, 'b'])))]],
    ['what completes the chain that is sent', [pem(chain[2]!)]],
  ] as const)('is none: %s', async ([, ca]) => {
    expect(await codes({ cert: Buffer.from(keyPem + pem(leaf) + pem(chain[1]!)), ca: [...ca] })).toEqual([]);
  });
});

describe('blocks of a PEM file', () => {
  const vpn = `-----BEGIN OpenVPN Static key V1-----\n${'6acef03f62675b4b1bbd03e53b187727\n'.repeat(16)}-----END OpenVPN Static key V1-----\n`;
  const tpm =
    '-----BEGIN TSS2 PRIVATE KEY-----\nMIIB8gYGZ4EFCgEDoAMBAf8CBEAAAAEEggEY\n-----END TSS2 PRIVATE KEY-----\n';
  const odd = '-----BEGIN SOMETHING-----\nnot base64!\n-----END SOMETHING-----\n';

  it.for([
    ['an OpenVPN profile', `client\nremote vpn.example\n<tls-auth>\n${vpn}</tls-auth>\n`],
    ['a TPM key', tpm],
    ['what nobody knows', odd],
  ] as const)('beside the identity: %s', async ([, block]) => {
    const found = await readCertificate({ cert: Buffer.from(block + identityPem) });
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
  });

  it('alone are named', async () => {
    await expect(readCertificate({ cert: Buffer.from(vpn) })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED',
      message: expect.stringContaining('is a PEM block of another kind (OpenVPN Static key V1)'),
    });
  });

  it('that are damaged are named by their place', async () => {
    const [first, second] = [pem(leaf), pem(chain[1]!)];
    const cut = second.replace(/\n[^\n]+\n-----END/, '\n-----END');
    const line = (keyPem + first).split('\n').length;
    await expect(readCertificate({ cert: Buffer.from(keyPem + first + cut) })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_FILE_CORRUPT',
      message: expect.stringContaining(`(block 3 of 3, CERTIFICATE, line ${line})`),
    });
    const odd = second.replace(/\nMII/, '\n§II');
    await expect(readCertificate({ cert: Buffer.from(keyPem + odd + first) })).rejects.toMatchObject({
      message: expect.stringContaining('(block 2 of 3, CERTIFICATE'),
    });
  });
});

describe('an alias', () => {
  it('opens one of several shrouded keys, and names those that it leaves', async () => {
    const several = { pfx: fixture('extra/multi.p12'), passphrase };
    const bad = readCertificate({ ...several, alias: 'three' });
    await expect(bad).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_IDENTITY_NOT_FOUND',
      message: expect.stringMatching(
        /holds \d identities, and none with the alias .*: alias "one".*alias "two"/,
      ),
    });
    const { certificate, warnings } = await readCertificate({ ...several, alias: 'two' });
    expect(certificate.subject).toContain('CN=ec');
    expect(warnings).toEqual([]);
    const byFingerprint = await readCertificate({ ...several, alias: certificate.fingerprint256 });
    expect(byFingerprint.certificate.fingerprint256).toBe(certificate.fingerprint256);
  });

  it('that no entry of a JKS has is not looked for behind other passphrases', async () => {
    const store = { pfx: fixture('cases/two-key-passphrases.jks'), passphrase: 'storepw' };
    expect(await codeOf(readCertificate({ ...store, alias: 'gamma' }))).toBe('IDENTITY_NOT_FOUND');
    await expect(readCertificate(store)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PASSPHRASE_MISSING',
      hint: expect.stringContaining('name its alias'),
    });
  });
});

describe('a truststore', () => {
  const store = bytesOf('cases/truststore.pkcs12');

  it('is read in a list, from bytes, and as the roots of a rule', async () => {
    const found = await readCertificate({
      cert: Buffer.from(identityPem),
      ca: [{ file: store, passphrase: 'trustpw' }, pem(root)],
    });
    expect(found.ca).toHaveLength(2);
    expect(await readRoots({ file: store, passphrase: () => 'trustpw' })).toHaveLength(1);
    await expect(readRoots(store)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PASSPHRASE_MISSING',
      hint: expect.stringContaining('ca: { file:'),
    });
  });

  it('of JKS is held to the passphrase that was given for it', async () => {
    const file = fixture('cases/truststore.jks');
    expect(await readRoots(file)).toHaveLength(1);
    expect(await codeOf(readRoots({ file, passphrase: 'wrong' }))).toBe('PASSPHRASE_WRONG');
  });
});

it('a list as pfx: the intermediate beside it is sent', async () => {
  const alone = Buffer.from(keyPem + pem(leaf));
  const { chain: sent } = await readCertificate({ pfx: [alone, chain[1]!.raw, chain[2]!.raw] });
  expect(sent.map(({ fingerprint256 }) => fingerprint256)).toEqual(
    chain.slice(1, 3).map((each) => each.fingerprint256),
  );
});

it('a key of a type that no Node has', async () => {
  const gost = sequence(
    integer(0),
    sequence(encodeOid('1.2.643.7.1.1.1.1')),
    encode(0x04, Buffer.alloc(34, 1)),
  );
  await expect(readCertificate({ cert: pem(leaf), key: gost })).rejects.toMatchObject({
    code: 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED',
    message: expect.stringContaining('gost2012-256'),
  });
});

describe.skipIf(process.platform === 'win32')('a key file that others may write', () => {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-modes-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const write = (file: string, content: string | Buffer, mode: number): string => {
    const path = join(directory, file);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };

  it('is warned of, also through a link, and where the key is encrypted', async () => {
    const plain = write('id.pem', identityPem, 0o602);
    expect(await codes({ cert: plain })).toEqual(['KEY_FILE_WRITABLE']);
    symlinkSync(plain, join(directory, 'link.pem'));
    expect(await codes({ cert: join(directory, 'link.pem') })).toEqual(['KEY_FILE_WRITABLE']);
    expect(await codes({ cert: write('group.pem', identityPem, 0o620) })).toEqual(['KEY_FILE_WRITABLE']);
    const file = bytesOf('pfx/aes128-sha256.p12');
    expect(await codes({ pfx: write('all.p12', file, 0o666), passphrase })).toEqual(['KEY_FILE_WRITABLE']);
    expect(await codes({ pfx: write('own.p12', file, 0o664), passphrase })).toEqual([]);
  });
});
