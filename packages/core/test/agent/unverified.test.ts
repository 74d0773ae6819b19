import { connect } from 'node:tls';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import type { Config, HostPin } from '../../src/types.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let bank: TestServer;
/** Of an authority that nobody trusts; they ask for a certificate and take any. */
let stranger: TestServer;
let strangeProxy: TestProxy;
/** They ask for none. */
let quiet: TestServer;
let quietProxy: TestProxy;
const issued = new Map<string, IssuedCertificate>();

beforeAll(async () => {
  authority = await createAuthority();
  const unknown = await createAuthority({ name: 'nobody’s' });
  for (const name of ['alice', 'bob', 'pat']) issued.set(name, await authority.issue({ name }));
  const ask = { host: 'localhost', clientCertificate: 'optional' } as const;
  const askNot = { host: 'localhost', clientCertificate: 'none' } as const;
  bank = await startServer({ authority, ...ask });
  stranger = await startServer({ authority: unknown, ...ask });
  quiet = await startServer({ authority: unknown, ...askNot });
  strangeProxy = await startProxy({ authority: unknown, tls: true, ...ask });
  quietProxy = await startProxy({ authority: unknown, tls: true, ...askNot });
});
beforeEach(() => {
  for (const { requests } of [bank, stranger, quiet]) requests.length = 0;
  for (const { connects } of [strangeProxy, quietProxy]) connects.length = 0;
});
afterAll(() => Promise.all([bank, stranger, quiet, strangeProxy, quietProxy].map((each) => each.close())));

const load = (config: Omit<Config, 'certificates'>) =>
  loadCredentials({
    certificates: Object.fromEntries([...issued].map(([name, each]) => [name, sourceOf(each, authority)])),
    ...config,
  } as Config);

const at = ({ port }: { port: number }) => `localhost:${port}`;
const presented = ({ connects }: TestProxy) =>
  connects.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);

describe('attack: rules that are weakened', () => {
  describe('a proxy’s certificate goes to a verified proxy, whatever the rule for its host accepts', () => {
    it('any', async () => {
      await using credentials = await load({
        hosts: { [at(strangeProxy)]: { dangerouslyAcceptAnyServer: true }, [at(bank)]: 'alice' },
        proxy: { url: `https://${at(strangeProxy)}`, certificate: 'pat' },
      });
      await expect(get(bank.url, { agent: credentials.agent() })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_PROXY_FAILED',
      });
      expect(presented(strangeProxy)).toEqual([]);
    });

    it('and roots of its own are not there for nothing', async () => {
      await using credentials = await load({
        hosts: { [at(strangeProxy)]: { dangerouslyAcceptAnyServer: true }, [at(bank)]: 'alice' },
        proxy: { url: `https://${at(strangeProxy)}`, ca: authority.certificate },
      });
      await expect(get(bank.url, { agent: credentials.agent() })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_PROXY_FAILED',
      });
      expect(presented(strangeProxy)).toEqual([]);
    });
  });

  it.each<HostPin>([false, { certificate: false, dangerouslyAcceptAnyServer: true }])(
    'a proxy’s certificate beside a rule by which its host never sees one (%j) is a conflict',
    async (rule) => {
      const loading = load({
        hosts: { [at(strangeProxy)]: rule, [at(bank)]: 'alice' },
        proxy: { url: `https://${at(strangeProxy)}`, certificate: 'pat' },
      });
      await expect(loading).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_RULE_CONFLICT',
        issues: [{ path: ['proxy', 'certificate'] }],
      });
    },
  );

  it('a proxy that does not ask is refused by `required`, also where any is accepted', async () => {
    const rule = {
      certificate: 'bob',
      required: true,
      dangerouslyAcceptAnyServer: 'and-present-certificate',
    } as const;
    await using credentials = await load({
      hosts: { [at(quietProxy)]: rule, [at(bank)]: 'alice' },
      proxy: `https://${at(quietProxy)}`,
    });
    await expect(get(bank.url, { agent: credentials.agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      cause: { code: 'ERR_CLIENTCERT_NOT_REQUESTED' },
    });
    expect(quietProxy.connects).toEqual([]);
  });

  it('`required` of a host holds for the certificate that a proxy there is given of its own', async () => {
    await using credentials = await load({
      hosts: { [at(quietProxy)]: { certificate: 'bob', required: true }, [at(bank)]: 'alice' },
      proxy: { url: `https://${at(quietProxy)}`, certificate: 'pat', ca: quietProxy.authority.certificate },
    });
    await expect(get(bank.url, { agent: credentials.agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      cause: { code: 'ERR_CLIENTCERT_NOT_REQUESTED' },
    });
    expect(quietProxy.connects).toEqual([]);
  });

  it('connectOptions refuse to be made where they could not keep `required`: at a server that nobody verifies', async () => {
    await using credentials = await load({
      hosts: {
        [at(quiet)]: {
          certificate: 'alice',
          required: true,
          dangerouslyAcceptAnyServer: 'and-present-certificate',
        },
      },
    });
    const target = { host: 'localhost', port: quiet.port };
    expect(() => connect({ ...target, ...credentials.connectOptions(target) })).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTCERT_VERIFICATION_OFF' }),
    );
    await expect(get(quiet.url, { agent: credentials.agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_NOT_REQUESTED',
    });
    expect(quiet.requests).toEqual([]);
  });

  describe('what a service says of the server is kept at a host that accepts any', () => {
    const anyServer = {
      certificate: 'alice',
      dangerouslyAcceptAnyServer: 'and-present-certificate',
    } as const;
    it.each([
      ['spki', () => ({ spki: [`sha256/${'A'.repeat(43)}=`] })],
      ['ca', () => ({ ca: authority.certificate })],
      ['trust', () => ({ ca: authority.certificate, trust: 'only' as const })],
      ['server', () => ({ ca: authority.certificate, server: 'spiffe://bank.example' })],
    ])('%s', async (_, said) => {
      await using credentials = await load({
        hosts: { [at(stranger)]: anyServer },
        services: { Payments: { certificate: 'bob', hosts: [at(stranger)], ...said() } },
      });
      await expect(
        get(stranger.url, { agent: credentials.agent({ service: 'Payments' }) }),
      ).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
      expect(subjects(stranger)).toEqual([]);
    });
  });

  it('what the certificate of a host’s rule says of the server, or of a service’s, the other does not turn off', async () => {
    const [alice, bob] = ['alice', 'bob'].map((name) => sourceOf(issued.get(name)!, authority));
    const certificates = { alice: alice!, bob: { ...bob!, trust: 'only' as const } };
    const any = { certificate: 'alice', dangerouslyAcceptAnyServer: 'and-present-certificate' } as const;
    const configs: Config[] = [
      { certificates, hosts: { [at(stranger)]: any }, services: { Payments: 'bob' } },
      { certificates, hosts: { [at(stranger)]: 'bob' }, services: { Payments: any } },
    ];
    for (const config of configs) {
      await using credentials = await loadCredentials(config);
      const agent = credentials.agent({ service: 'Payments', origin: stranger.url });
      await expect(get(stranger.url, { agent })).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    }
    expect(subjects(stranger)).toEqual([]);
  });

  it.each([
    ['spki', () => ({ spki: [`sha256/${'A'.repeat(43)}=`] })],
    ['ca', () => ({ ca: authority.certificate })],
    ['server', () => ({ ca: authority.certificate, server: 'spiffe://bank.example' })],
  ])('a service that accepts any server where the host’s rule says %s is a conflict', async (_, said) => {
    const loading = load({
      hosts: { [at(stranger)]: { certificate: 'alice', ...said() } },
      services: {
        Payments: {
          certificate: 'bob',
          hosts: [at(stranger)],
          dangerouslyAcceptAnyServer: 'and-present-certificate',
        },
      },
    });
    await expect(loading).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_RULE_CONFLICT',
      issues: [{ path: ['services', 'Payments', 'hosts', 0] }],
    });
  });

  it('and a service without hosts is held to what the host’s rule says', async () => {
    await using credentials = await load({
      hosts: { [at(stranger)]: { certificate: 'alice', ca: authority.certificate } },
      services: { Payments: { certificate: 'bob', dangerouslyAcceptAnyServer: 'and-present-certificate' } },
    });
    const agent = credentials.agent({ service: 'Payments', origin: stranger.url });
    await expect(get(stranger.url, { agent })).rejects.toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    expect(subjects(stranger)).toEqual([]);
  });
});
