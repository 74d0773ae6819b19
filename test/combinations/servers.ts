import { lookup } from 'node:dns/promises';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import {
  createAuthority,
  type IssuedCertificate,
  type SeenRequest,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import type { AdapterUnderTest } from '../adapters/adapter.ts';
import type { World } from './model.ts';
import { type Place, places } from './programs.ts';

/** The servers that a program is run on, and what is read from their requests. */

let clock = 0;

/** Counts what happens. */
export const tick = (): number => clock++;

/** Who and what there is, for every program over one adapter. */
export interface Ground extends World {
  readonly carol: IssuedCertificate;
  readonly servers: readonly TestServer[];
  readonly proxied: readonly TestProxy[];
  /** What each port is. */
  readonly placeOf: ReadonlyMap<number, Place>;
  /** What slow answers wait for. */
  readonly gate: { opened: Promise<unknown> };
  /** When the connection of a request was accepted. */
  acceptedAt(request: SeenRequest): number;
  close(): Promise<void>;
}

export async function prepare(adapter: AdapterUnderTest): Promise<Ground> {
  const [authority, strange] = await Promise.all([createAuthority(), createAuthority()]);
  const issue = (name: string) =>
    authority.issue({ name, ...(adapter.signs && { keyType: 'rsa' as const }) });
  const [alice1, alice2, bob1, bob2, carol] = await Promise.all(
    ['alice 1', 'alice 2', 'bob 1', 'bob 2', 'carol'].map(issue),
  );
  const gate = { opened: Promise.resolve() };
  const shared = { clientCertificate: 'optional', handler: handlerOf(adapter, gate) } as const;
  const servers = await Promise.all([
    startServer({
      authority,
      ...shared,
      host: 'localhost',
      listeners: [
        { http2: true },
        { keepAliveTimeout: 20 },
        { http2: true, tls: 'TLSv1.2' },
        { clientCertificate: 'none' },
      ],
    }),
    startServer({ authority, ...shared }),
    startServer({ authority: strange, ...shared, host: 'localhost' }),
    startServer({ ...shared, tls: false, clientCertificate: 'none' }),
  ]);
  const proxied = await Promise.all([
    startProxy(),
    startProxy({ authority, tls: true, clientCertificate: 'optional' }),
  ]);
  const urls = servers.flatMap((server) => server.urls);
  const accepted = new Map<number, number[]>();
  for (const server of servers) {
    const times: number[] = [];
    for (const each of server.servers) each.on('connection', () => times.push(tick()));
    for (const port of server.ports) accepted.set(port, times);
  }
  return {
    authority,
    issued: { alice: { 1: alice1!, 2: alice2! }, bob: { 1: bob1!, 2: bob2! } },
    carol: carol!,
    origins: Object.fromEntries(places.map((place, index) => [place, urls[index]!])) as World['origins'],
    proxies: { plain: proxied[0].url, secure: proxied[1].url },
    servers,
    proxied,
    placeOf: new Map(places.map((place, index) => [Number(new URL(urls[index]!).port), place])),
    gate,
    acceptedAt: ({ port, connection }) => accepted.get(port)![connection - 1] ?? 0, // of a socket that is gone nothing is known
    async close() {
      for (const each of [...servers, ...proxied]) await each.close();
    },
  };
}

/** A 503 for the first call of a mark at `/flaky`; for the rest what the client understands. */
function handlerOf(
  { answer }: AdapterUnderTest,
  gate: Ground['gate'],
): NonNullable<AdapterUnderTest['answer']> {
  const failed = new Set<string>();
  return async (request, response, seen) => {
    const mark = markOf(seen);
    if (queryOf(seen).has('slow')) await gate.opened;
    if (!seen.path.startsWith('/flaky') || failed.has(mark))
      return (await answer?.(request, response, seen)) ?? false;
    failed.add(mark);
    request.resume();
    response.writeHead(503).end();
    return true;
  };
}

const queryOf = ({ url }: SeenRequest) => new URL(url, 'https://localhost').searchParams;
export const markOf = (request: SeenRequest) => queryOf(request).get('mark')!;
export const hopOf = (request: SeenRequest) => Number(queryOf(request).get('hop'));

/** What was given up may be on its way still: until nothing has arrived for several turns of the event loop. */
export async function settled({ servers, proxied }: Ground): Promise<void> {
  const arrived = () =>
    [...servers, ...proxied].reduce((sum, { connections }) => sum + connections, 0) +
    servers.reduce((sum, { requests }) => sum + requests.length, 0);
  for (let [quiet, before] = [0, arrived()]; quiet < 8; quiet++) {
    await pause(5);
    if (arrived() !== before) [quiet, before] = [0, arrived()];
  }
}

/** Over TLS: a config's proxy is for nothing else. */
export const connectionsOf = ({ servers }: Ground) =>
  servers.slice(0, -1).reduce((sum, { connections }) => sum + connections, 0);

/**
 * Until every connection that was begun by now is accepted, but for those within TLS to a proxy: each takes some turns of the
 * event loop, and its look-up of the host one of the two threads for it.
 */
export async function caughtUp(): Promise<void> {
  for (let turn = 0; turn < 32; turn++) {
    await Promise.all([lookup('localhost'), lookup('localhost'), nextTurn()]);
    if (turn % 8 === 0) await pause(2);
  }
}
