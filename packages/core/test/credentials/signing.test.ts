import { sign, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, loadCredentials } from '../../src/index.ts';
import { withPolluted } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority({ intermediates: 1 });
  alice = await authority.issue({ name: 'alice' });
  bob = await authority.issue({ name: 'bob' });
});

const text = Buffer.from('text');

function load(): Promise<Credentials> {
  return loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key },
      bob: { cert: bob.fullChain, key: bob.key },
    },
    hosts: { 'a.example': 'alice', 'b.example': 'bob', 'none.example': false },
    services: { Bob: 'bob', Never: false, Silent: { tls: 'TLSv1.3', hosts: ['a.example'] } },
  });
}

describe('withSigningKey', () => {
  it('lends the key of the certificate that the target is presented with', async () => {
    await using credentials = await load();
    for (const target of [
      'https://b.example/x',
      { host: 'b.example' },
      { host: 'a.example', service: 'Bob' },
    ]) {
      const { name, signature, chain } = credentials.withSigningKey(target, (key) => ({
        ...key,
        privateKey: undefined,
        signature: sign('sha256', text, key.privateKey),
      }));
      expect([name, chain.length]).toEqual(['bob', 1]);
      expect(verify('sha256', text, bob.cert, signature)).toBe(true);
    }
    expect(inspect(credentials, { depth: 9, showHidden: true, getters: true })).not.toMatch(/PRIVATE KEY/);
  });

  describe('attack: identities that mix', () => {
    it('what is written into what was lent changes nothing for others, nor for the next loan', async () => {
      await using credentials = await load();
      await using others = await load();
      const lend = (lender: Credentials) =>
        lender.withSigningKey('https://b.example', ({ certificate, chain }) => [certificate, ...chain]);
      const sent = (lender: Credentials) => lend(lender).map(({ raw }) => raw.toString('base64'));
      const before = sent(credentials);
      const held = lend(credentials);
      for (const each of held) {
        each.raw.fill(0);
        Reflect.set(each, 'toString', () => 'another');
      }
      expect([sent(credentials), sent(others)]).toEqual([before, before]);
      expect(lend(credentials).map(String)).not.toContain('another');
      expect(held).toHaveLength(2);
    });

    it('a polluted Object.prototype names no service to sign as, and no host', async () => {
      await using credentials = await load();
      const lend = (target: { service?: string }) =>
        credentials.withSigningKey(target, ({ privateKey }) => sign('sha256', text, privateKey));
      await withPolluted({ service: 'Bob' }, async () => {
        expect(() => lend({})).toThrow(expect.objectContaining({ code: 'ERR_CLIENTCERT_ORIGIN_NEEDED' }));
      });
      await withPolluted({ host: 'a.example' }, async () => {
        expect(verify('sha256', text, bob.cert, lend({ service: 'Bob' }))).toBe(true);
      });
    });
  });

  it('without a host, that of the service', async () => {
    await using credentials = await load();
    expect(credentials.withSigningKey({ service: 'Bob' }, ({ name }) => name)).toBe('bob');
  });

  it('without a host or service, the only one that hosts name', async () => {
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key } },
      hosts: { 'a.example': 'alice', '*.a.example:8443': 'alice', 'none.example': false },
    });
    expect(credentials.withSigningKey({}, ({ name }) => name)).toBe('alice');
  });

  it.each([
    ['https://none.example', 'SIGNATURE_REFUSED'],
    ['https://elsewhere.example', 'SIGNATURE_REFUSED'],
    ['http://a.example', 'SIGNATURE_REFUSED'],
    [{ host: 'a.example', service: false as const }, 'SIGNATURE_REFUSED'],
    [{ service: 'Never' }, 'ORIGIN_NEEDED'],
    [{ service: false } as never, 'ORIGIN_NEEDED'],
    [{ service: 'Silent' }, 'ORIGIN_NEEDED'],
    [{}, 'ORIGIN_NEEDED'],
    [{ service: 'Typo' }, 'SERVICE_UNKNOWN'],
    ['a b', 'HOST_INVALID'],
  ])('for %j it lends none: %s', async (target, code) => {
    await using credentials = await load();
    const use = () => expect.fail('a key was lent');
    expect(() => credentials.withSigningKey(target, use)).toThrow(
      expect.objectContaining({ code: `ERR_CLIENTCERT_${code}` }),
    );
  });

  it.each([
    ['https://none.example:8443/path?secret', 'none.example:8443'],
    ['http://a.example', 'a.example'],
    [{ host: 'elsewhere.example', port: 9443 }, 'elsewhere.example:9443'],
  ])('of %j it says which address is to see none', async (target, address) => {
    await using credentials = await load();
    const use = () => expect.fail('a key was lent');
    expect(() => credentials.withSigningKey(target, use)).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED',
        message: expect.stringMatching(new RegExp(`^(https?://)?${address.replaceAll('.', '\\.')}`)),
      }),
    );
  });
});
