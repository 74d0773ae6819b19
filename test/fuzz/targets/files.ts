import { createHash, type X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { inspectFile, readCertificate } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { partsOf } from '../../../packages/core/src/enrolment.ts';
import { fieldsOf } from '../../../packages/core/src/load/certificate-fields.ts';
import { readRoots } from '../../../packages/core/src/load/index.ts';
import {
  encryptAes,
  encryptedSafe,
  octets,
  pbes2,
  pbmac1,
  pfx,
  sequence,
} from '../../../packages/core/test/load/write.ts';
import { der, pemBody } from '../mutate/der.ts';
import { text } from '../mutate/text.ts';
import { hold, type Opened, type Target } from '../target.ts';

const passphrase = 'Passw0rd!';
const fixtures = new URL('../../../packages/core/test/load/fixtures/', import.meta.url);

/** What takes long by design: rounds of key derivation. */
const DEAR = /nss|gnutls|bouncy|iter600k|scrypt\.key|jceks|null-aes|emptyct|thirteen|noise|7z/;

function seedsIn(...folders: string[]): { name: string; bytes: Buffer }[] {
  return folders.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, fixtures))
      .filter((name) => !DEAR.test(name))
      .map((name) => ({ name, bytes: readFileSync(new URL(`${folder}/${name}`, fixtures)) }))
      .filter(({ bytes }) => bytes.length < 12_000),
  );
}

/** Reads them as every reader of files does. */
async function read(bytes: Buffer, maxIterations = 12_000) {
  const options = { passphrase, maxIterations };
  const found = await inspectFile(bytes, options);
  for (const { certificate } of found.certificates) agree(certificate);
  const [certificate, roots] = await Promise.allSettled([
    readCertificate({ pfx: bytes, ...options }, { key: 'optional' }),
    readRoots(bytes, options),
  ]);
  return {
    format: found.format,
    legacy: found.legacyAlgorithms,
    skipped: found.skipped,
    keys: found.keys.map(({ alias, keyType, encrypted }) => [alias, keyType, encrypted]),
    certificates: found.certificates.map(({ certificate: { fingerprint256 }, alias, keyType }) => [
      fingerprint256,
      alias,
      keyType,
    ]),
    identity: told(certificate, ({ certificate: { fingerprint256 }, chain, ca, warnings }) => [
      fingerprint256,
      warnings,
      ...[...chain, ...ca].map((each) => each.fingerprint256),
    ]),
    roots: told(roots, (list) => list.map(({ fingerprint256 }) => fingerprint256)),
  };
}

/** Our own error is as good as a value; any other is thrown on, to be judged. */
function told<Value>(settled: PromiseSettledResult<Value>, show: (value: Value) => unknown): unknown {
  if (settled.status === 'fulfilled') return show(settled.value);
  const { code, message } = settled.reason as NodeJS.ErrnoException;
  if (!code?.startsWith('ERR_CLIENTCERT_') || (settled.reason as Error).cause) throw settled.reason;
  return [code, message];
}

/** What we take out of a certificate is what Node takes out of it. */
function agree(certificate: X509Certificate): void {
  const fields = fieldsOf(certificate);
  for (const [ours, nodes] of [
    [fields.notBefore, certificate.validFrom],
    [fields.notAfter, certificate.validTo],
  ] as const) {
    const time = Date.parse(nodes);
    if (!Number.isNaN(time) && !Number.isNaN(ours)) hold(time === ours, `${ours} is the time ${nodes}`);
  }
  const usages = certificate.keyUsage as readonly string[] | undefined;
  if (usages !== undefined && fields.extendedKeyUsage !== undefined)
    hold(
      usages.join() === fields.extendedKeyUsage.join(),
      `extended key usage: ${usages} and ${fields.extendedKeyUsage}`,
    );
  // Names that Node writes alike are alike, unless it writes two kinds of text alike.
  if (fields.subject === fields.issuer)
    hold(fold(certificate.subject) === fold(certificate.issuer), 'names that are not equal are');
  partsOf(certificate.raw);
}

const fold = (name: string) => name?.normalize('NFKC').toLowerCase().replace(/\s+/g, '');

function target(
  name: string,
  changes: Target['changes'],
  seeds: () => Buffer[] | Promise<Buffer[]>,
  wrap?: (input: Buffer) => Buffer,
): Target {
  return {
    name,
    changes,
    async open(): Promise<Opened> {
      return {
        seeds: await seeds(),
        run: (input) => read(wrap?.(input) ?? input),
        secretsIn: () => [passphrase],
      };
    },
  };
}

const bodyOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');

/** Certificates of every shape that @clientcert/testing makes, in DER, with their keys. */
async function made(): Promise<{ certificates: Buffer[]; keys: Buffer[]; pem: string[] }> {
  const authority = await createAuthority({ intermediates: 1 });
  const people = await Promise.all([
    authority.issue({ name: 'alice', hosts: ['localhost', '127.0.0.1', '*.bank.example'] }),
    authority.issue({
      name: 'bob',
      keyType: { rsa: 2048 },
      subject: { C: 'NL', O: 'Bänk', OU: 'a', serialNumber: '1', emailAddress: 'b@bank.example' },
    }),
    authority.issue({ name: 'carol', keyType: 'ed25519', expired: true, usage: 'server' }),
  ]);
  const chain = [authority.certificate, ...people.map(({ cert }) => cert)];
  return {
    certificates: chain.map(bodyOf),
    keys: people.map(({ key }) => bodyOf(key)),
    pem: people.map(({ key, fullChain }) => `${key}${fullChain}`),
  };
}

/** SafeContents (RFC 7292, 4.2) of a store that is not encrypted, in an encrypted one. */
function sealed(contents: Buffer): Buffer {
  const algorithm = pbes2(1);
  return pfx([encryptedSafe(algorithm, encryptAes(contents, passphrase, 1))], pbmac1(passphrase, 1));
}

/** The digest that Sun's stores end with, so that what was changed before it is read. */
function withDigest(body: Buffer): Buffer {
  const spelled = Buffer.from(passphrase, 'utf16le').swap16();
  const digest = createHash('sha1').update(spelled).update('Mighty Aphrodite').update(body).digest();
  return Buffer.concat([body, digest]);
}

const pemWords = [
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----\n',
  '-----BEGIN ENCRYPTED PRIVATE KEY-----\n',
  '-----BEGIN RSA PRIVATE KEY-----\n',
  '-----END RSA PRIVATE KEY-----',
  'Proc-Type: 4,ENCRYPTED\n',
  'DEK-Info: AES-256-CBC,00',
  'DEK-Info: DES-EDE3-CBC,',
  'Bag Attributes\n    friendlyName: x\n',
  '-----BEGIN PKCS7-----',
  '-----BEGIN X509 CRL-----',
  '-----BEGIN EC PARAMETERS-----',
  '-----BEGIN OPENSSH PRIVATE KEY-----',
  'MII',
  '\\n',
  'data:application/x-pkcs12;base64,',
  '{"cert":"',
];

const bags = (certificates: Buffer[], keys: Buffer[]): Promise<Buffer[]> =>
  import('../../../packages/core/test/load/write.ts').then(
    ({ keyBag, certificateBag, shroudedBag, sequence }) => [
      sequence(
        keyBag(keys[0]!, 'alice'),
        certificateBag(certificates[1]!, 'alice'),
        certificateBag(certificates[0]!),
      ),
      sequence(shroudedBag(sealedKey(keys[1]!), 'bob'), certificateBag(certificates[2]!, 'bob')),
      sequence(certificateBag(certificates[3]!)),
    ],
  );

/** An EncryptedPrivateKeyInfo (RFC 5958, section 3). */
function sealedKey(key: Buffer): Buffer {
  return sequence(pbes2(1), octets(encryptAes(key, passphrase, 1)));
}

export const files: readonly Target[] = [
  target('certificates', der, async () => [
    ...seedsIn('der').map(({ bytes }) => bytes),
    ...(await made()).certificates,
  ]),
  target('private keys', [...der, pemBody], async () => [
    ...seedsIn('extra', 'pem')
      .filter(({ name }) => /\.key$/.test(name))
      .map(({ bytes }) => bytes),
    ...(await made()).keys,
  ]),
  target('private keys in encryption', der, async () => (await made()).keys, sealedKey),
  target('PFX', der, async () => [
    ...seedsIn('pfx', 'extra', 'bad')
      .filter(({ name }) => /p12$|pfx$/.test(name))
      .map(({ bytes }) => bytes),
  ]),
  target(
    'PFX in encryption',
    der,
    async () => {
      const { certificates, keys } = await made();
      return bags(certificates, keys);
    },
    sealed,
  ),
  target('Java keystores', der.slice(-9), async () =>
    seedsIn('jks', 'extra', 'cases')
      .filter(({ name }) => /jks$|jceks$/.test(name))
      .map(({ bytes }) => bytes),
  ),
  target(
    'Java keystores with their digest',
    der.slice(-9),
    async () => [
      ...seedsIn('jks', 'extra', 'cases')
        .filter(({ name }) => /jks$|jceks$/.test(name))
        .map(({ bytes }) => bytes.subarray(0, -20)),
      ...javaStores((await made()).certificates),
    ],
    withDigest,
  ),
  target('P7B', [...der, pemBody], async () => [
    ...seedsIn('p7').map(({ bytes }) => bytes),
    ...seedsIn('p7').map(({ bytes }) => bodyOf(bytes.toString('latin1'))),
  ]),
  target('PEM', [...text(pemWords), pemBody, pemBody, pemBody], async () => [
    ...seedsIn('pem', 'cases')
      .filter(({ name }) => !/p12$|jks$|kdb$|sso$/.test(name))
      .map(({ bytes }) => bytes),
    ...(await made()).pem.map((each) => Buffer.from(each)),
  ]),
];

/** JCEKS with trusted certificates, a secret key as a serialised object, and version 1. */
function javaStores(certificates: readonly Buffer[]): Buffer[] {
  const int = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
  const utf = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
  const entry = (bytes: Buffer) =>
    Buffer.concat([int(2), utf('ca'), Buffer.alloc(8), utf('X.509'), int(bytes.length), bytes]);
  const object = Buffer.from(
    'aced000573720006582e546573740000000000000001020002490001614c0001627400124c6a6176612f6c616e672f537472696e673b78700000000174000178',
    'hex',
  );
  const secret = Buffer.concat([int(3), utf('secret'), Buffer.alloc(8), object]);
  return [
    Buffer.concat([int(0xfeedfeed), int(2), int(2), ...certificates.slice(0, 2).map(entry)]),
    Buffer.concat([int(0xcececece), int(2), int(2), entry(certificates[0]!), secret]),
  ];
}
