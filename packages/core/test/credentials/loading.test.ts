import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { createAuthority } from '@clientcert/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { acceptCredentials, loadedOf, whileWanted } from '../../src/adapter.ts';
import {
  type Config,
  type Credentials,
  inspectFile,
  loadCredentials,
  readCertificate,
  type Warning,
} from '../../src/index.ts';
import { dns, extensions, makeNameless } from '../load/made-svid.ts';

const config = { certificates: {} };
const accept = (given: unknown) => acceptCredentials(given, 'clientCertificates()');

it('takes credentials, and the promise of them', async () => {
  await using credentials = await loadCredentials(config);
  expect(accept(credentials)).toBe(credentials);
  expect(loadedOf(credentials)).toBe(credentials);

  const promise = Promise.resolve(credentials);
  const loading = accept(promise);
  expect(accept(promise)).toBe(loading);
  expect(loadedOf(loading)).toBeUndefined();
  expect(await loading).toBe(credentials);
  expect(loadedOf(loading)).toBe(credentials);
});

it('waits beside a body of more parts than a set holds', async () => {
  const body = Array.from({ length: 2 ** 24 + 1 }, (_, at) => at);
  await using credentials = await loadCredentials(config);
  expect(await whileWanted(Promise.resolve(credentials), undefined, { body })).toBe(credentials);
});

it('takes those of another copy of the package', async () => {
  vi.resetModules();
  const other = await import('../../src/index.ts');
  await using credentials = (await other.loadCredentials(config)) as unknown as Credentials;
  expect(other.loadCredentials).not.toBe(loadCredentials);
  expect(accept(credentials)).toBe(credentials);
  expect(await accept(Promise.resolve(credentials))).toBe(credentials);
});

it.each([
  ['undefined', undefined],
  ['null', null],
  ['string', 'clientcert.json'],
  ['object', config],
  ['function', loadCredentials],
])('refuses %s, at once or when a promise comes to it', async (kind, given) => {
  const error = {
    code: 'ERR_CLIENTCERT_CONFIG_INVALID',
    message: expect.stringMatching(new RegExp(`^clientCertificates\\(\\) .* given .*${kind}$`)),
    hint: expect.stringContaining('loadCredentials('),
  };
  expect(() => accept(given)).toThrow(expect.objectContaining(error));
  await expect(accept(Promise.resolve(given))).rejects.toMatchObject(error);
});

it('says whom an X.509-SVID names, since its subject may say nothing', async () => {
  const authority = await createAuthority();
  const issued = await authority.issue({ name: 'payments', uris: ['spiffe://bank.example/payments'] });
  await using credentials = await loadCredentials({
    certificates: {
      svid: { cert: issued.fullChain, key: issued.key },
      bank: await authority.issue({ name: 'bank' }).then(({ fullChain: cert, key }) => ({ cert, key })),
    },
    hosts: { 'a.example': 'svid', 'b.example': 'bank' },
  });
  const ids = credentials.certificates().map(({ name, spiffeId }) => [name, spiffeId]);
  expect(Object.fromEntries(ids)).toEqual({ svid: 'spiffe://bank.example/payments', bank: null });
  expect(`${credentials.explain('https://a.example')}`).toMatch(
    /SPIFFE ID +spiffe:\/\/bank\.example\/payments/,
  );
  expect(`${credentials.explain('https://b.example')}`).not.toContain('SPIFFE');
  expect(inspect(credentials)).toContain('svid: spiffe://bank.example/payments, valid');
});

it('prints a certificate that has no subject, as Node 20 says nothing of an empty name', async () => {
  const { cert, key } = makeNameless(extensions.names(dns('client.example')));
  await using credentials = await loadCredentials({
    certificates: { bank: { cert, key } },
    hosts: { 'a.example': 'bank' },
  });
  expect(credentials.certificates()).toMatchObject([{ subject: '', issuer: '', issuers: [''] }]);
  expect(inspect(credentials)).toContain('bank: (no name), valid');
  expect(`${credentials.explain('https://a.example')}`).toMatch(/Subject +\(no name\)/);
});

it('a config is what it was when it was handed over, whatever becomes of the object while it is loaded', async () => {
  const authority = await createAuthority();
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => authority.issue({ name })));
  const ca = authority.certificate;
  const tenant = { cert: alice!.fullChain, key: alice!.key, ca };
  const config: Config = { certificates: { tenant }, hosts: { 'bank.example': 'tenant' } };
  const subject = async (loading: Credentials | Promise<Credentials>) =>
    (await loading).certificates().map(({ subject }) => subject);

  const reading = [readCertificate(tenant)];
  const loading = [loadCredentials(config)];
  Object.assign(tenant, { cert: bob!.fullChain, key: bob!.key });
  loading.push(loadCredentials(config));
  reading.push(readCertificate(tenant));
  tenant.cert = '';
  config.hosts = { 'bank.example': 'nobody' };
  const [first, second] = await Promise.all(loading);
  expect(await Promise.all([first!, second!].map(subject))).toEqual([['CN=alice'], ['CN=bob']]);
  const read = await Promise.all(reading);
  expect(read.map(({ certificate }) => certificate.subject)).toEqual(['CN=alice', 'CN=bob']);

  config.hosts = { 'bank.example': 'tenant' };
  tenant.cert = bob!.fullChain;
  const reloading = [first!.reload(config)];
  Object.assign(tenant, { cert: alice!.fullChain, key: alice!.key });
  reloading.push(second!.reload(config));
  config.hosts = { 'bank.example': 'nobody' };
  await Promise.all(reloading);
  expect(await Promise.all([first!, second!].map(subject))).toEqual([['CN=bob'], ['CN=alice']]);
  await Promise.all([first!.close(), second!.close()]);
});

it('what is named is where it was when the call was made, wherever the process goes meanwhile', async () => {
  const authority = await createAuthority();
  const root = await mkdtemp(join(tmpdir(), 'clientcert-place-'));
  const config = { certificates: { bank: { cert: 'bank.pem' } }, hosts: { 'a.example': 'bank' } } as const;
  const places = ['alice', 'bob'].map((name) => join(root, name));
  for (const [at, name] of ['alice', 'bob'].entries()) {
    const { fullChain, key } = await authority.issue({ name });
    await mkdir(places[at]!);
    await writeFile(join(places[at]!, 'bank.pem'), fullChain + authority.certificate + key, { mode: 0o600 });
    await writeFile(join(places[at]!, 'clientcert.json'), JSON.stringify(config));
  }
  const cwd = vi.spyOn(process, 'cwd');
  onTestFinished(() => cwd.mockRestore()); // files share a process
  const atEach = <Result>(call: (place: string) => Promise<Result>) => {
    const calls = places.map((place) => {
      cwd.mockReturnValue(place);
      vi.stubEnv('CLIENTCERT_CONFIG', join(place, 'clientcert.json'));
      return call(place);
    });
    vi.unstubAllEnvs();
    cwd.mockReturnValue(root);
    return Promise.all(calls);
  };
  const all = [
    ...(await atEach(() => loadCredentials(config))),
    ...(await atEach(() => loadCredentials('clientcert.json'))),
    ...(await atEach(() => loadCredentials())),
  ];
  const subjects = () => all.map((each) => each.certificates()[0]!.subject);
  expect(subjects()).toEqual(['CN=alice', 'CN=bob', 'CN=alice', 'CN=bob', 'CN=alice', 'CN=bob']);
  const read = await atEach(() => readCertificate(config.certificates.bank));
  const url = new URL('file:///');
  read.push(
    ...(await atEach((place) => {
      url.pathname = pathToFileURL(join(place, 'bank.pem')).pathname;
      return readCertificate({ cert: [url] });
    })),
  );
  expect(read.map(({ certificate }) => certificate.subject)).toEqual([
    'CN=alice',
    'CN=bob',
    'CN=alice',
    'CN=bob',
  ]);
  const inspected = await atEach(() => inspectFile('bank.pem'));
  expect(inspected.map(({ certificates: [first] }) => first!.certificate.subject)).toEqual([
    'CN=alice',
    'CN=bob',
  ]);

  all.reverse();
  await atEach(async (place) => {
    const [first, second] = place === places[0] ? all : all.slice(2);
    await Promise.all([first!.reload('clientcert.json'), second!.reload(config)]);
  });
  expect(subjects().slice(0, 4)).toEqual(['CN=alice', 'CN=alice', 'CN=bob', 'CN=bob']);
  await Promise.all(all.map((each) => each.close()));
  cwd.mockRestore();
  await rm(root, { recursive: true });
});

it('bytes are what they were when they were handed over, whatever is written into them', async () => {
  const authority = await createAuthority();
  const issued = await Promise.all(['alice', 'bob'].map((name) => authority.issue({ name })));
  const bytes = Buffer.alloc(10_000);
  const holding = (at: number) => {
    bytes.fill('\n').write(`${issued[at]!.fullChain}${authority.certificate}${issued[at]!.key}`);
    return bytes;
  };
  const read = [0, 1].map((at) => readCertificate({ cert: [holding(at)] }));
  const subjects = (await Promise.all(read)).map(({ certificate }) => certificate.subject);
  expect(subjects).toEqual(['CN=alice', 'CN=bob']);
  const inspected = await Promise.all([0, 1].map((at) => inspectFile(holding(at))));
  expect(inspected.map(({ certificates: [first] }) => first!.certificate.subject)).toEqual(subjects);
  await using credentials = await loadCredentials({
    certificates: { alice: () => ({ cert: holding(0) }), bob: () => ({ cert: holding(1) }) },
    hosts: { 'a.example': 'alice', 'b.example': 'bob' },
  });
  expect(credentials.certificates().map(({ subject }) => subject)).toEqual(subjects);
});

it('a promise that fails is nobody’s unhandled rejection, and fails whoever waits for it', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  const loading = accept(loadCredentials({ certificates: { bank: { pfx: 'none.pfx' } } }));
  const wrong = accept(Promise.resolve(undefined));
  await expect(loading).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
  accept(Promise.reject(new Error('sealed')));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
  await expect(wrong).rejects.toThrow('given undefined');
});

it('says the same of a certificate whatever was written on what it said before', async () => {
  const authority = await createAuthority();
  const notAfter = new Date(Date.now() + 3.5 * 86_400_000);
  const { fullChain: cert, key } = await authority.issue({ name: 'ending', notAfter });
  await using credentials = await loadCredentials({
    certificates: { ending: { cert, key } },
    hosts: { 'a.example': 'ending' },
  });
  const said = () =>
    structuredClone([credentials.certificates(), credentials.warnings(), credentials.rules()]);
  const first = said();
  expect(credentials.warnings()).not.toEqual([]);
  for (const each of credentials.certificates() as unknown as { warnings: Warning[] }[]) {
    for (const warning of each.warnings) warning.message = 'all is well';
    for (const value of Object.values(each)) if (Array.isArray(value)) value.length = 0;
  }
  for (const warning of credentials.warnings()) warning.message = 'all is well';
  for (const rule of credentials.rules()) rule.rule = 'none';
  expect(said()).toEqual(first);
});
