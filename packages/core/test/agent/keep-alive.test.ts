import { Socket } from 'node:net';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect, it, vi } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf } from '../support.ts';

it('a client that sets a minute of TCP keep-alive, as axios does, is not undone after each request', async () => {
  const authority = await createAuthority();
  const alice = await authority.issue({ name: 'alice' });
  await using server = await startServer({ authority });
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
  });
  const delays = vi.spyOn(Socket.prototype, 'setKeepAlive');
  const agent = credentials.agent();
  for (let call = 0; call < 3; call++) await get(server.url, { agent });
  const set = delays.mock.calls.map(([, delay]) => delay);
  delays.mockRestore();
  expect(server.connections).toBe(1);
  expect(new Set(set)).toEqual(new Set([60_000]));
});
