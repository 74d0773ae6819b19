import { createPrivateKey } from 'node:crypto';
import { createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { type FileSource, loadCredentials, readCertificate } from '../../src/index.ts';

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
    Buffer.from(passphrase),
  ];
}

// Small Buffers share their memory, and whoever hands one on as its `buffer`, to a worker or a server, hands on all of it.
it.each<[string, () => FileSource]>([
  ['PEM', () => ({ cert: issued.fullChain, key: issued.key })],
  ['PEM from Windows', () => ({ cert: `${issued.fullChain}${issued.key}`.replaceAll('\n', '\r\n') })],
  ['bytes', () => ({ cert: issued.fullChain, key: new TextEncoder().encode(issued.key) })],
  ['encrypted PEM', () => ({ cert: issued.fullChain, key: encrypted(), passphrase })],
  ['PFX', () => ({ pfx, passphrase })],
])(
  'leaves nothing of a key in %s, or of its passphrase, in memory that Buffers share',
  async (_, sourceOf) => {
    const source = sourceOf();
    const secrets = traces();
    const made = (['from', 'concat', 'allocUnsafe'] as const).map((name) => vi.spyOn(Buffer, name));
    await readCertificate(source);
    await (await loadCredentials({ certificates: { bank: source }, hosts: { 'a.example': 'bank' } })).close();
    const shared = made
      .flatMap(({ mock }) => mock.results)
      .map(({ value }) => value as Buffer)
      .filter(({ length, buffer }) => length < buffer.byteLength);
    vi.restoreAllMocks();
    expect(shared).not.toEqual([]);
    expect(shared.filter((bytes) => secrets.some((secret) => bytes.includes(secret)))).toEqual([]);
  },
);
