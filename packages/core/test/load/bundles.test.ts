import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CertificateSource,
  type FileSource,
  loadCredentials,
  readCertificate,
} from '../../src/index.ts';

let bank: Authority;
let partner: Authority;
let web: IssuedCertificate;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-bundles-'));
  [bank, partner] = await Promise.all([
    createAuthority({ name: 'bank' }),
    createAuthority({ name: 'partner' }),
  ]);
  web = await bank.issue({ name: 'web', uris: ['spiffe://bank.example/web'] });
});
afterAll(() => rm(directory, { recursive: true }));

const source = (bundles: unknown): FileSource =>
  ({ cert: web.fullChain, key: web.key, bundles }) as FileSource;
const subjectsOf = ({ bundles }: { bundles?: Record<string, readonly { subject: string }[]> }) =>
  Object.fromEntries(
    Object.entries(bundles ?? {}).map(([name, roots]) => [name, roots.map(({ subject }) => subject)]),
  );

describe('the bundles of a source', () => {
  it('are read like `ca`, and kept apart from it and from each other', async () => {
    const path = join(directory, 'partner.pem');
    await writeFile(path, partner.certificate + partner.certificate);
    process.env.BANK_BUNDLE = Buffer.from(bank.certificate).toString('base64');
    const der = Buffer.from(bank.certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const store = await (await partner.issue({ name: 'store' })).pfx('word', { chain: partner.certificate });
    const read = await readCertificate(
      source({
        'bank.example': [{ env: 'BANK_BUNDLE' }, der],
        'partner.example': path,
        'store.example': { file: store, passphrase: 'word' },
        __proto__x: partner.certificate,
      }),
    );
    expect(subjectsOf(read as never)).toMatchObject({
      'bank.example': ['CN=bank'],
      'partner.example': ['CN=partner'],
      'store.example': expect.arrayContaining(['CN=partner']),
      __proto__x: ['CN=partner'],
    });
    // Of the chain they are no part, and it is complete by them.
    expect([read.ca, read.chain, read.warnings]).toEqual([[], [], []]);
    expect((await readCertificate(source(undefined))).bundles).toBeUndefined();
  });

  it('may be said by a function, none of a trust domain included', async () => {
    const read = await readCertificate(() =>
      source({ 'bank.example': bank.certificate, 'partner.example': [] }),
    );
    expect(subjectsOf(read as never)).toEqual({ 'bank.example': ['CN=bank'], 'partner.example': [] });
    const odd = Object.create(null, { ['__proto__']: { value: bank.certificate, enumerable: true } });
    expect(Object.keys((await readCertificate(() => source(odd))).bundles!)).toEqual(['__proto__']);
  });

  it.each<[string, () => unknown, string, RegExp]>([
    [
      'a list',
      () => [bank.certificate],
      'CONFIG_INVALID',
      /bundles is not an object of roots by trust domain/,
    ],
    ['a Map', () => new Map([['bank.example', bank.certificate]]), 'CONFIG_INVALID', /not an object/],
    ['bytes', () => Buffer.from(bank.certificate), 'CONFIG_INVALID', /not an object/],
    ['text', () => bank.certificate, 'CONFIG_INVALID', /not an object/],
    [
      'ids',
      () => ({ 'spiffe://bank.example': bank.certificate }),
      'CONFIG_INVALID',
      /did you mean "bank.example"/,
    ],
    [
      'nothing that is a root',
      () => ({ 'bank.example': 17 }),
      'CONFIG_INVALID',
      /bundle of bank\.example: ca/,
    ],
    [
      'a file that is not there',
      () => ({ 'bank.example': 'none.pem' }),
      'FILE_NOT_FOUND',
      /bundle of bank\.example/,
    ],
    ['a key', () => ({ 'bank.example': web.key }), 'CERTIFICATE_MISSING', /bundle of bank\.example/],
  ])('are not %s', async (_, bundles, code, message) => {
    const given: CertificateSource = () => source(bundles());
    await expect(readCertificate(given)).rejects.toMatchObject({
      code: `ERR_CLIENTCERT_${code}`,
      message: expect.stringMatching(message),
    });
  });

  it('warn of what vouches for nobody', async () => {
    const issuing = await partner.issueAuthority({ name: 'issuing' });
    const { warnings } = await readCertificate(source({ 'partner.example': issuing.chain }));
    expect(warnings).toContainEqual({
      code: 'CA_WITHOUT_ROOT',
      message: expect.stringContaining('bundle of partner.example: CN=issuing is an intermediate'),
    });
  });

  it('do not become part of what is sent', async () => {
    const issuing = await bank.issueAuthority({ name: 'issuing' });
    const alice = await issuing.issue({ name: 'alice' });
    const { chain } = await readCertificate({
      cert: alice.cert,
      key: alice.key,
      bundles: { 'bank.example': issuing.chain + bank.certificate },
    });
    expect(chain).toEqual([]);
  });

  it('expire like other roots', async () => {
    const ending = await createAuthority({ name: 'ending', notAfter: new Date(Date.now() + 5 * 86_400_000) });
    await using credentials = await loadCredentials({
      certificates: {
        web: source({ 'bank.example': bank.certificate, 'ending.example': ending.certificate }),
      },
      hosts: { 'api.bank.example': 'web' },
    });
    const { status, reasons } = credentials.health();
    expect([status, JSON.stringify(reasons)]).toEqual(['warning', expect.stringContaining('ending')]);
  });

  it('are watched: a changed file is a new version, and one that cannot be read leaves the old', async () => {
    const path = join(directory, 'watched.pem');
    await writeFile(path, bank.certificate);
    await using credentials = await loadCredentials({
      certificates: { web: source({ 'bank.example': path }) },
      hosts: { 'api.bank.example': { certificate: 'web', server: 'spiffe://bank.example' } },
      watch: { pollInterval: 0.1, settle: 1 },
    });
    credentials.on('error', () => {});
    const versions: number[] = [];
    const rotated = new Promise<void>((resolve) => {
      credentials.on('rotate', ({ version }) => {
        versions.push(version);
        resolve();
      });
    });
    await writeFile(path, 'nothing');
    await credentials.reload();
    expect(credentials.certificates()[0]).toMatchObject({ version: 1, error: { code: /ERR_CLIENTCERT/ } });
    await writeFile(path, partner.certificate);
    await rotated;
    expect(versions).toEqual([2]);
    expect(await credentials.reload()).toMatchObject({ changed: [], unchanged: ['web'] });
  });
});
