import { spawn } from 'node:child_process';
import { createAuthority, type ServerOptions, type TestServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGround, createPeople, type Ground, nameOf, type People } from '../adapters/ground.ts';
import { freePort, untilSaid } from '../spawned.ts';
import { codesIn, expectClear, outcomeOf } from './clear.ts';
import { clients } from './clients.ts';

let people: People;
beforeAll(async () => {
  people = await createPeople();
});
afterAll(() => people.remove());

/** Closes each connection after its answer, so that the next call makes one. */
const closing = (_: unknown, response: { setHeader(name: string, value: string): unknown }) => {
  response.setHeader('connection', 'close');
  return false;
};

/** What goes wrong, and how many calls come through. Afterwards the same client and credentials work. */
const FAULTS: Readonly<Record<string, (ground: Ground) => Promise<void>>> = {
  async 'a server that redirects to itself a hundred times'(ground) {
    let left = 100;
    const server = await ground.bank({
      handler(request, response) {
        if (left === 0 || !request.url?.startsWith('/again')) return closing(request, response);
        left -= 1;
        response.writeHead(307, { location: '/again' }).end();
        return true;
      },
    });
    const client = ground.client(await ground.load(server));
    const outcome = await outcomeOf(client.send(`${server.url}/again`));
    // Node's own follows none, and hands the answer out.
    if ('error' in outcome) expectClear(outcome.error, people);
    else expect([ground.adapter.name, outcome.answer.status]).toEqual([ground.adapter.name, 307]);
    expect(server.requests.length).toBeLessThan(30);
    left = 0;
    await expectServed(client.send(server.url), server);
  },

  async 'a server that redirects to a hundred others'(ground) {
    const strangers: TestServer[] = [];
    // Each to the next, a hundred times.
    const handler: ServerOptions['handler'] = (request, response) => {
      const hop = Number(/^\/hop\/(\d+)/.exec(request.url!)?.[1] ?? 100);
      if (hop >= 100) return false;
      const next = strangers[hop % strangers.length]!;
      response.writeHead(307, { location: `${next.url}/hop/${hop + 1}` }).end();
      return true;
    };
    for (let count = 0; count < 3; count++) strangers.push(await ground.other({ handler }));
    const server = await ground.bank({
      handler: (request, response, seen) => handler(request, response, seen) || closing(request, response),
    });
    const client = ground.client(await ground.load(server, { others: strangers }));
    const outcome = await outcomeOf(client.send(`${server.url}/hop/0`));
    if ('error' in outcome) expectClear(outcome.error, people);
    const seen = strangers.flatMap(({ requests }) => requests);
    expect(seen.length).toBeLessThan(30);
    if (ground.adapter.name !== 'https' && ground.adapter.name !== 'soap')
      expect(seen.length).toBeGreaterThan(0);
    expect(seen.map(nameOf).filter((name) => name !== null)).toEqual([]);
    await expectServed(client.send(server.url), server);
  },

  async 'a server whose own certificate changes between connections'(ground) {
    const server = await ground.bank({ handler: closing });
    const client = ground.client(await ground.load(server));
    const stranger = await createAuthority({ name: 'Stranger' });
    const https = server.servers[0] as import('node:https').Server;
    for (const authority of [people.authority, stranger, people.authority]) {
      const { fullChain: cert, key } = await authority.issue({
        name: 'localhost',
        hosts: ['localhost'],
        usage: 'server',
      });
      https.setSecureContext({ cert, key, ca: people.authority.certificate });
      https.setTicketKeys(Buffer.from(crypto.getRandomValues(new Uint8Array(48))));
      const outcome = await outcomeOf(client.send(server.url));
      if (authority === stranger) {
        expect(outcome).toHaveProperty('error');
        expectClear((outcome as { error: Error }).error, people);
        expect(codesIn((outcome as { error: Error }).error).join()).toMatch(/UNABLE_TO_|SELF_SIGNED/);
      } else expect(outcome).toHaveProperty('answer.status', 200);
    }
    expect(server.requests.map(nameOf)).toEqual(['alice', 'alice']);
  },

  async 'a server that was never valid, and one that is not any more'(ground) {
    for (const when of [{ expired: true }, { notYetValid: true }]) {
      const certificate = await people.authority.issue({
        name: 'localhost',
        hosts: ['localhost'],
        usage: 'server',
        ...when,
      });
      const server = await ground.bank({ certificate });
      const client = ground.client(await ground.load(server));
      const outcome = await outcomeOf(client.send(server.url));
      expect(outcome).toHaveProperty('error');
      expectClear((outcome as { error: Error }).error, people);
      expect(codesIn((outcome as { error: Error }).error).join()).toMatch(
        /CERT_(?:HAS_EXPIRED|NOT_YET_VALID)/,
      );
      expect(server.requests).toEqual([]);
    }
  },

  async 'a certificate that is not valid yet, and one that is not any more'(ground) {
    const server = await ground.bank({ handler: closing });
    for (const when of [{ expired: true }, { notYetValid: true }]) {
      const { fullChain: cert, key } = await people.authority.issue({ name: 'late', ...when });
      const late = { cert, key, ca: people.authority.certificate };
      const credentials = await ground.load(server, {
        certificates: { late },
        hosts: { [`localhost:${server.port}`]: 'late' },
      });
      credentials.on('warning', () => {}); // else it is printed
      const client = ground.client(credentials);
      const outcome = await outcomeOf(client.send(server.url));
      expect(outcome).toHaveProperty('error');
      expectClear((outcome as { error: Error }).error, people);
      expect(credentials.certificates().find(({ name }) => name === 'late')?.status).toMatch(
        /expired|not yet valid/,
      );
    }
    expect(server.requests).toEqual([]);
    await expectServed(ground.client(await ground.load(server)).send(server.url), server);
  },

  async 'a port on which nothing listens any more'(ground) {
    const port = await freePort('localhost');
    const server = await ground.bank({ handler: closing });
    const host = `localhost:${port}`;
    const client = ground.client(await ground.load(server, { hosts: { [host]: 'alice' } }));
    const outcome = await outcomeOf(client.send(`https://${host}/`));
    expect(outcome).toHaveProperty('error');
    expectClear((outcome as { error: Error }).error, people);
    await expectServed(client.send(server.url), server);
  },

  async 'a server that stands still, with a queue that is full'(ground) {
    const child = spawn(
      process.execPath,
      [
        '-e',
        `const s = require('net').createServer().listen({ port: 0, host: 'localhost', backlog: 1 }, () => console.log('port ' + s.address().port))`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      const port = Number((await untilSaid(child as never, /port (\d+)/))[1]);
      child.kill('SIGSTOP');
      const server = await ground.bank({ handler: closing });
      const host = `localhost:${port}`;
      const client = ground.client(await ground.load(server, { hosts: { [host]: 'alice' } }), {
        connectTimeout: 500,
      });
      const calls = Array.from({ length: 6 }, () =>
        outcomeOf(client.send(`https://${host}/`, { timeout: 400 })),
      );
      for (const outcome of await Promise.all(calls)) {
        expect(outcome).toHaveProperty('error');
        expectClear((outcome as { error: Error }).error, people);
      }
      await expectServed(client.send(server.url), server);
    } finally {
      child.kill('SIGKILL');
    }
  },
};

async function expectServed(call: Promise<{ status: number }>, server: TestServer): Promise<void> {
  expect((await call).status).toBe(200);
  expect(server.requests.map(nameOf).at(-1)).toBe('alice');
}

describe.concurrent.each(Object.entries(FAULTS))('%s', (_, fault) => {
  it.each(clients.map((client) => [client.name, client] as const))(
    '%s',
    { timeout: 180_000 },
    async (_, client) => {
      await using ground = await createGround(client, people);
      await fault(ground);
    },
  );
});
