import { setTimeout as pause } from 'node:timers/promises';
import { loadCredentials } from '@clientcert/core';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { clients, emptyWsdl } from './clients.ts';

/** Those that keep connections, over HTTP/1.1: nothing in HTTP/2 says how long. */
const keeping = Object.entries(clients).filter(([name]) => !/for each request|HTTP\/2/.test(name));

it.for(keeping.flatMap(([name, open]) => [3, 60].map((seconds) => ({ name, open, seconds }))))(
  '$name heeds a server that keeps connections for $seconds s',
  async ({ open, seconds }) => {
    const authority = await createAuthority();
    await using server = await startServer({
      authority,
      host: 'localhost',
      keepAliveTimeout: 60_000, // a server that closed them itself would hide that the client does not
      handler: (request, response) => {
        response.setHeader('keep-alive', `timeout=${seconds}`);
        if (!request.headers['user-agent']?.startsWith('node-soap')) return false;
        response.end(emptyWsdl);
        return true;
      },
    });
    const { cert, key } = await authority.issue({ name: 'alice' });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert, key, ca: authority.certificate } },
      hosts: { [new URL(server.url).host]: 'alice' },
    });
    const send = open(credentials);
    await send(server.url);
    await pause(2_600); // the end of 3 s is near: a request that met it would be lost
    await send(server.url);
    expect(server.requests.map(({ connection }) => connection)).toHaveLength(2);
    expect(new Set(server.requests.map(({ connection }) => connection)).size).toBe(seconds === 3 ? 2 : 1);
  },
);
