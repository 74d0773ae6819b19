import { createRequire } from 'node:module';
import { createAuthority, startServer } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';

const needle: (method: string, url: string, options: object) => Promise<unknown> = createRequire(
  import.meta.url,
)('needle');

describe('attack: identities that mix', () => {
  it('what needle writes of one call on the agent is said of no other call', async () => {
    const authority = await createAuthority();
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => authority.issue({ name })));
    const ca = authority.certificate;
    await using server = await startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      listeners: [{}, {}, {}],
    });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice!.fullChain, key: alice!.key, ca } },
      hosts: { [`localhost:${server.ports[0]}`]: 'alice', [`localhost:${server.ports[1]}`]: { ca } },
    });
    const agent = credentials.agent();
    const conflict = { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' };
    for (const own of [
      { cert: bob!.fullChain, key: bob!.key },
      { pfx: await bob!.pfx('secret'), passphrase: 'secret' },
      { ca },
      { rejectUnauthorized: false },
    ]) {
      await expect(needle('get', server.urls[1]!, { agent, ...own })).rejects.toMatchObject(conflict);
    }
    for (const url of server.urls.slice(0, 2)) await needle('get', url, { agent });
    await expect(needle('get', server.urls[2]!, { agent })).rejects.toThrow(/self-signed/);
    // An agent of their own, which says it when it is made.
    const own = credentials.agent({ ca, cert: bob!.fullChain, key: bob!.key });
    expect(() => Object.assign(own.options, { cert: alice!.fullChain })).toThrow(/"cert"/);
    await needle('get', server.urls[2]!, { agent: own });
    const subjects = server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);
    expect(subjects).toEqual(['alice', null, 'bob']);
  });
});
