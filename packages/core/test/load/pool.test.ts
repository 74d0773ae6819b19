import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { afterEach, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { KeptFiles } from '../../src/enrolment/kept-files.ts';
import { type FileSource, loadCredentials, readCertificate } from '../../src/index.ts';
import { get, subjects } from '../support.ts';
import { fixture } from './manifest.ts';

const passphrase = 'the passphrase öf it';
let issued: IssuedCertificate;
let pfx: Buffer;
beforeAll(async () => {
  issued = await (await createAuthority()).issue({ name: 'bank' });
  pfx = await issued.pfx(passphrase);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const encrypted = () =>
  createPrivateKey(issued.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  }) as string;

/** What may stand somewhere: the number of the key, a line of its PEM in either width, the passphrase. */
function traces(): Buffer[] {
  const { d } = createPrivateKey(issued.key).export({ format: 'jwk' });
  const line = issued.key.split('\n')[1]!;
  return [
    Buffer.from(d!, 'base64url'),
    Buffer.from(line),
    Buffer.from(line, 'utf16le'),
    Buffer.from(line, 'utf16le').swap16(),
    Buffer.from(passphrase),
    Buffer.from(passphrase, 'utf16le').swap16(),
  ];
}

const derOfKey = () => createPrivateKey(issued.key).export({ type: 'pkcs8', format: 'der' });
const ofOpenssh = () => issued.key.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY');
const inBase64 = (text: string | Buffer) => Buffer.from(text).toString('base64');

// Small Buffers share their memory, and whoever hands one on as its `buffer`, to a worker or a server, hands on all of it.
it.each<[string, () => FileSource]>([
  ['PEM', () => ({ cert: issued.fullChain, key: issued.key })],
  ['PEM from Windows', () => ({ cert: `${issued.fullChain}${issued.key}`.replaceAll('\n', '\r\n') })],
  ['bytes', () => ({ cert: issued.fullChain, key: new TextEncoder().encode(issued.key) })],
  ['encrypted PEM', () => ({ cert: issued.fullChain, key: encrypted(), passphrase })],
  ['PFX', () => ({ pfx, passphrase })],
  ['base64 of PEM', () => ({ cert: issued.fullChain, key: inBase64(issued.key) })],
  [
    'base64 of PEM behind a comment',
    () => ({ cert: issued.fullChain, key: inBase64(`# mine\n${issued.key}`) }),
  ],
  ['base64 of DER', () => ({ cert: issued.fullChain, key: inBase64(derOfKey()) })],
  ['hexadecimal', () => ({ cert: issued.fullChain, key: derOfKey().toString('hex') })],
  ['UTF-16', () => ({ cert: issued.fullChain, key: Buffer.from(issued.key, 'utf16le').swap16() })],
  [
    'a block of a kind that is passed over',
    () => ({ cert: issued.fullChain + ofOpenssh(), key: issued.key }),
  ],
])(
  'leaves nothing of a key in %s, or of its passphrase, in memory that Buffers share',
  async (_, sourceOf) => {
    const source = sourceOf();
    const read = async () => {
      await readCertificate(source);
      const config = { certificates: { bank: source }, hosts: { 'a.example': 'bank' } } as const;
      await (await loadCredentials(config)).close();
    };
    expect(await sharedIn(read, traces())).toEqual([]);
  },
);

it('leaves nothing of the passphrase of a Java store, or of its key, there', async () => {
  const passphrase = 'changeit';
  const source = { pfx: fixture('jks/rsa.jks'), passphrase };
  const { d, p } = (await readCertificate(source)).privateKey.export({ format: 'jwk' });
  const secrets = [d!, p!].map((number) => Buffer.from(number, 'base64url'));
  secrets.push(Buffer.from(passphrase, 'utf16le').swap16());
  expect(await sharedIn(() => readCertificate(source), secrets)).toEqual([]);
});

it('leaves nothing of the PIN of a token there', async () => {
  const pin = 'Sesame4711';
  const read = () => readCertificate({ cert: issued.cert, key: 'pkcs11:token=bank', pin });
  const failing = () => expect(read()).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_PROVIDER_MISSING' });
  expect(await sharedIn(failing, [Buffer.from(pin)])).toEqual([]);
});

it('leaves nothing of a key there that a request brings', async () => {
  const authority = await createAuthority();
  const mine = await authority.issue({ name: 'mine' });
  await using server = await startServer({ authority, clientCertificate: 'optional' });
  await using credentials = await loadCredentials({ hosts: {} });
  const agent = credentials.agent({ ca: authority.certificate });
  const [cert, key] = [mine.fullChain, mine.key].map((text) => new TextEncoder().encode(text));
  const call = () => get(server.url, { agent, cert, key } as object);
  expect(await sharedIn(call, [Buffer.from(mine.key.split('\n')[1]!)])).toEqual([]);
  expect(subjects(server)).toEqual(['mine']);
});

it('leaves nothing of a key there that was issued and is kept in files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clientcert-pool-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
  const files = new KeptFiles({ cert: cert!, key });
  const { signal } = new AbortController();
  const keep = async () => {
    await files.write({ cert: issued.fullChain, key: issued.key }, signal);
    expect(await files.read(signal)).toMatchObject({ key: issued.key });
  };
  expect(await sharedIn(keep, traces())).toEqual([]);
});

/** The Buffers in shared memory that hold one of these, once something is done. */
async function sharedIn(work: () => Promise<unknown>, secrets: readonly Buffer[]): Promise<string[]> {
  const made = (['from', 'concat', 'allocUnsafe'] as const).map((name) => vi.spyOn(Buffer, name));
  await work();
  const shared = made
    .flatMap(({ mock }) => mock.results)
    .map(({ value }) => value as Buffer)
    .filter(({ length, buffer }) => length < buffer.byteLength);
  vi.restoreAllMocks();
  expect(shared).not.toEqual([]);
  return shared
    .filter((bytes) => secrets.some((secret) => bytes.includes(secret)))
    .map((bytes) => bytes.toString('latin1'));
}
