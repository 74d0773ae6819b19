import { createAuthority, startServer } from '@clientcert/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { Handshake } from '../../src/agent/handshake.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf } from '../support.ts';

// What Bun is told from Node by; that its sockets name no algorithm is tested where it is installed.
describe('attack: other runtimes', () => {
  const versions = Object.getOwnPropertyDescriptor(process, 'versions')!;
  afterEach(() => void Object.defineProperty(process, 'versions', versions));

  const scene = async (rule: object) => {
    const authority = await createAuthority();
    const alice = await authority.issue({ name: 'alice' });
    const server = await startServer({ authority, clientCertificate: 'optional' });
    const credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { [`127.0.0.1:${server.port}`]: { certificate: 'alice', ...rule } },
    });
    Object.defineProperty(process, 'versions', {
      ...versions,
      value: { ...process.versions, bun: '1.4.5' },
    });
    return { server, credentials };
  };

  it('a runtime that does not tell whether the server asked says so', async () => {
    const { server, credentials } = await scene({});
    const events: Handshake[] = [];
    credentials.on('handshake', (handshake) => events.push(handshake));
    await get(server.url, { agent: credentials.agent() });
    expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual(['alice']);
    expect(events).toMatchObject([{ requested: null, presented: { name: 'alice' } }]);
    await credentials.close();
    await server.close();
  });

  it.each([{ bun: '1.3.14' }, { bun: '0.8.1' }, { deno: '2.8.3' }])(
    'nothing is loaded in %o, which sends requests past their agent',
    async (runtime) => {
      Object.defineProperty(process, 'versions', { ...versions, value: { ...process.versions, ...runtime } });
      await expect(loadCredentials({ certificates: {}, hosts: {} })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED',
        hint: expect.stringContaining('or newer'),
      });
    },
  );

  it('and refuses a rule that has to know', async () => {
    const { server, credentials } = await scene({ required: true });
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED',
      hint: expect.stringContaining('required'),
    });
    expect(server.requests).toEqual([]);
    await credentials.close();
    await server.close();
  });
});
