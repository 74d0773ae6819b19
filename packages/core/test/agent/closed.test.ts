import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf } from '../support.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

describe('attack: identities that mix', () => {
  it('after close() nothing lends a key, a context or a connection; what is only read can still be read', async () => {
    await using server = await startServer({ authority });
    const { url, port } = server;
    const alice = await authority.issue({ name: 'alice' });
    const credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { [`127.0.0.1:${port}`]: 'alice' },
      services: { Bank: 'alice' },
    });
    const agent = credentials.agent();
    const shared = adapterOf(credentials).sharedAgent({});
    credentials.withSigningKey(url, () => {});
    credentials.connectOptions(url);
    await credentials.close();

    const closed = expect.objectContaining({ code: 'ERR_CLIENTCERT_CLOSED' });
    const lending = [
      () => credentials.withSigningKey(url, () => {}),
      () => credentials.withSigningKey({ service: 'Bank' }, () => {}),
      () => credentials.connectOptions(url),
      () => credentials.connectOptions('https://unknown.example'),
      () => adapterOf(credentials).connect({ host: '127.0.0.1', port }),
      () => adapterOf(credentials).profileId(url),
    ];
    for (const use of lending) {
      let thrown: unknown;
      try {
        use();
      } catch (error) {
        thrown = error;
      }
      expect(thrown, `${use}`).toEqual(closed);
    }
    await expect(credentials.reload()).rejects.toEqual(closed);
    for (const each of [agent, shared, credentials.agent(), adapterOf(credentials).sharedAgent({})]) {
      await expect(get(url, { agent: each })).rejects.toEqual(closed);
      expect(() => each.createConnection({ host: '127.0.0.1', port })).toThrow(closed);
    }
    expect(server.connections).toBe(0);

    expect(credentials.resolve(url).certificate).toBe('alice');
    expect(`${credentials.explain(url)}`).toContain('alice');
    expect(credentials.certificates()).toHaveLength(1);
    expect(credentials.health().status).toBe('error');
  });
});
