import { inspect } from 'node:util';
import { type Credentials, loadCredentials } from '@clientcert/core';
import {
  createAuthority,
  type IssuedCertificate,
  type SeenRequest,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdapterUnderTest, TestClient } from './adapter.ts';
import { adapters as axios } from './axios.ts';
import {
  type Call,
  configOf,
  isShown,
  type Place,
  type Program,
  places,
  programs,
  type Settings,
  traceOf,
  type World,
} from './combinations.ts';
import { adapters as fetches } from './fetch.ts';
import { adapters as got } from './got.ts';
import { codesOf } from './ground.ts';
import { adapters as https } from './https.ts';
import { adapters as soap } from './soap.ts';
import { adapters as undici } from './undici.ts';

/** How many programs are tried, and which: others are tried by hand. */
const { COMBINATIONS: runs = 30, COMBINATIONS_SEED: seed = 1, COMBINATIONS_SHRINK: shrink } = process.env;

describe.each([...https, ...axios, ...got, ...soap, ...undici, ...fetches])('$name', (adapter) => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await prepare(adapter);
  });
  afterAll(() => ground.close());

  it(`whatever meets, each server sees whom a rule shows there (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(programs(24), (program) => execute(adapter, program, ground)),
      {
        numRuns: runs,
        seed,
        interruptAfterTimeLimit: 500_000,
        endOnFailure: !process.env.COMBINATIONS_SHRINK,
      },
    );
  }, 600_000);
});

interface Ground extends World {
  readonly carol: IssuedCertificate;
  readonly servers: readonly TestServer[];
  readonly proxied: readonly TestProxy[];
  /** What each port is. */
  readonly placeOf: ReadonlyMap<number, Place>;
  close(): Promise<void>;
}

async function prepare(adapter: AdapterUnderTest): Promise<Ground> {
  const [authority, strange] = await Promise.all([createAuthority(), createAuthority()]);
  const issue = (name: string) => authority.issue({ name });
  const [alice1, alice2, bob1, bob2, carol] = await Promise.all(
    ['alice 1', 'alice 2', 'bob 1', 'bob 2', 'carol'].map(issue),
  );
  const shared = { clientCertificate: 'optional', handler: handlerOf(adapter) } as const;
  const servers = await Promise.all([
    startServer({
      authority,
      ...shared,
      host: 'localhost',
      listeners: [{ http2: true }, { keepAliveTimeout: 20 }, { http2: true }, { clientCertificate: 'none' }],
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
  return {
    authority,
    issued: { alice: { 1: alice1!, 2: alice2! }, bob: { 1: bob1!, 2: bob2! } },
    carol: carol!,
    origins: Object.fromEntries(places.map((place, index) => [place, urls[index]!])) as World['origins'],
    proxies: { plain: proxied[0].url, secure: proxied[1].url },
    servers,
    proxied,
    placeOf: new Map(places.map((place, index) => [Number(new URL(urls[index]!).port), place])),
    async close() {
      for (const each of [...servers, ...proxied]) await each.close();
    },
  };
}

/** A 503 for the first call of a mark at `/flaky`; for the rest what the client understands. */
function handlerOf({ answer }: AdapterUnderTest): NonNullable<AdapterUnderTest['answer']> {
  const failed = new Set<string>();
  return (request, response, seen) => {
    const mark = markOf(seen);
    if (!seen.path.startsWith('/flaky') || failed.has(mark))
      return answer?.(request, response, seen) ?? false;
    failed.add(mark);
    request.resume();
    response.writeHead(503).end();
    return true;
  };
}

const queryOf = ({ url }: SeenRequest) => new URL(url, 'https://localhost').searchParams;
const markOf = (request: SeenRequest) => queryOf(request).get('mark')!;
const hopOf = (request: SeenRequest) => Number(queryOf(request).get('hop'));

interface Sent {
  readonly call: Call;
  readonly client: number;
  readonly start: number;
  end: number;
  outcome: { readonly status: number } | { readonly error: unknown } | undefined;
}

/** Settings, from the moment at which they may hold to the one from which they may not. */
interface Period {
  readonly settings: Settings;
  readonly from: number;
  until: number;
}

const afterwards: Call = {
  does: 'call',
  client: 0,
  path: ['first'],
  service: undefined,
  post: true,
  status: 307,
  abort: undefined,
  flaky: false,
};

let programsRun = 0;

async function execute(adapter: AdapterUnderTest, program: Program, ground: Ground): Promise<void> {
  const run = ++programsRun;
  let clock = 0;
  const periods: Period[][] = program.credentials.map((settings) => [
    { settings, from: 0, until: Number.POSITIVE_INFINITY },
  ]);
  const credentials: Credentials[] = [];
  for (const settings of program.credentials) {
    const loaded = await loadCredentials(configOf(settings, program.proxy, ground));
    loaded.on('warning', () => {}); // of pins without a backup, and certificates that no rule names
    credentials.push(loaded);
  }
  const clients = program.clients.map((each): TestClient => {
    const { fullChain: cert, key } = ground.carol;
    const own = { cert, key, ca: ground.authority.certificate };
    const loaded = credentials[each.credentials]!;
    return adapter.create(each.promised ? Promise.resolve(loaded) : loaded, {
      retries: each.retries,
      ...(each.own === 'agent' && { ownAgent: own }),
      ...(each.own === 'certificate' && { ownCertificate: own }),
      ...(each.proxied && { proxy: ground.proxies.plain }),
    });
  });
  const before = ground.servers.map(({ requests }) => requests.length);
  const connectsBefore = ground.proxied.map(({ connects }) => connects.length);
  const connectionsBefore = connectionsOf(ground);

  const sent = new Map<string, Sent>();
  const running = new Set<Promise<unknown>>();
  const start = (work: Promise<unknown>): void => {
    const watched = work.finally(() => running.delete(watched));
    running.add(watched);
  };
  const reload = async (index: number, settings: Settings): Promise<void> => {
    const known = periods[index]!;
    const replaced = [...known];
    known.push({ settings, from: clock++, until: Number.POSITIVE_INFINITY });
    await credentials[index]!.reload(configOf(settings, program.proxy, ground));
    for (const each of replaced) each.until = Math.min(each.until, clock);
    clock++;
  };
  for (const step of program.steps) {
    if (step.does === 'wait') await Promise.all(running);
    else if (step.does === 'reload') {
      // One after the other, so that the last one to be asked for is the last to hold.
      await Promise.all(reloads);
      const reloaded = reload(step.credentials, step.settings);
      reloads = [reloaded];
      if (step.wait) await reloaded;
    } else {
      const mark = `${run}-${sent.size}`;
      const each: Sent = { call: step, client: step.client, start: clock++, end: 0, outcome: undefined };
      sent.set(mark, each);
      start(
        send(clients[step.client]!, step, mark, ground).then((outcome) => {
          each.outcome = outcome;
          each.end = clock++;
        }),
      );
    }
  }
  await Promise.all(reloads);
  reloads = [];
  if (!program.closed) await Promise.all(running);
  const closed = clock++;
  await Promise.all(credentials.map((each) => each.close()));
  await Promise.all(running);
  for (const [index, client] of clients.entries()) {
    const { own, credentials: at } = program.clients[index]!;
    if (own || !periods[at]!.at(-1)!.settings.rules.first) continue; // is the caller's and the client's own affair
    const late = await send(client, afterwards, `${run}-late-${index}`, ground);
    expect('error' in late && codesOf(late.error)).toContain('ERR_CLIENTCERT_CLOSED');
  }
  for (const client of clients) await client.close?.();

  const seen = ground.servers.flatMap((server, index) => server.requests.slice(before[index]));
  expect(seen.filter((request) => !sent.has(markOf(request)))).toEqual([]);
  for (const [mark, each] of sent) {
    const requests = seen.filter((request) => markOf(request) === mark).sort((a, b) => hopOf(a) - hopOf(b));
    const known = periods[program.clients[each.client]!.credentials]!;
    judge(adapter, each, requests, program, known, ground, closed);
  }
  // What an interceptor is composed over goes its own way to the hosts that no rule names.
  const isWhole = !adapter.name.startsWith('undici, interceptor');
  if (program.proxy && isWhole && program.clients.every(({ own, proxied }) => !own && !proxied)) {
    const { connects } = ground.proxied[program.proxy === 'plain' ? 0 : 1]!;
    const tunnels = connects.slice(connectsBefore[program.proxy === 'plain' ? 0 : 1]).length;
    expect(connectionsOf(ground) - connectionsBefore, 'past the proxy').toBeLessThanOrEqual(tunnels);
  }
  const secure = program.proxy === 'secure' ? ground.proxied[1]!.connects.slice(connectsBefore[1]) : [];
  for (const { clientCertificate } of secure) expect(clientCertificate?.commonName).toMatch(/^alice [12]$/);
}

let reloads: Promise<void>[] = [];

async function send(
  client: TestClient,
  { path, service, post, status, abort, flaky }: Call,
  mark: string,
  { origins }: Ground,
): Promise<NonNullable<Sent['outcome']>> {
  const last = path.length - 1;
  let url = `${origins[path[last]!]}${flaky ? '/flaky' : '/final'}?mark=${mark}&hop=${last}`;
  for (let hop = last - 1; hop >= 0; hop--) {
    const query = new URLSearchParams({ mark, hop: String(hop), status: String(status), to: url });
    url = `${origins[path[hop]!]}/redirect?${query}`;
  }
  const signal = abort === undefined ? undefined : AbortSignal.timeout(abort);
  const silence = new Promise<never>((_, reject) => {
    setTimeout(reject, 30_000, new Error(`${mark} never ended`)).unref();
  });
  try {
    const answer = client.send(url, {
      ...(service !== undefined && { service }),
      ...(post && { body: `said ${mark}` }),
      ...(signal && { signal }),
    });
    return await Promise.race([answer, silence]);
  } catch (error) {
    return { error };
  }
}

function judge(
  { name }: AdapterUnderTest,
  { call, client, start, end, outcome }: Sent,
  requests: readonly SeenRequest[],
  { clients, closed: isClosed }: Program,
  periods: readonly Period[],
  { placeOf, issued }: Ground,
  closed: number,
): void {
  const { own, proxied } = clients[client]!;
  const holding = periods
    .filter((each) => each.from <= end && each.until >= start)
    .map((each) => each.settings);
  const seen = requests.map((request) => [placeOf.get(request.port)!, nameOf(request)] as const);
  const ended = outcome && 'error' in outcome ? codesOf(outcome.error) : outcome?.status;
  const what = inspect(
    { call, client: clients[client], holding, seen, ended },
    { depth: 6, breakLength: 140 },
  );

  for (const request of requests) {
    const place = placeOf.get(request.port)!;
    if (!isShown(request, place, call, holding, own ? 'carol' : null)) {
      expect.fail(`shown as ${nameOf(request)} (${request.protocol}) at ${place}: ${what}`);
    }
    if (call.post && request.method === 'POST' && request.body) {
      expect(request.body).toContain(`said ${markOf(request)}`);
    }
  }
  if (outcome && 'error' in outcome) {
    expect(outcome.error, what).toBeInstanceOf(Error);
    expect((outcome.error as Error).message, what).not.toContain('never ended');
    const text = inspect(outcome.error, { depth: 4 });
    for (const { key } of Object.values(issued).flatMap((each) => Object.values(each))) {
      expect(text.includes(key.split('\n')[1]!), 'a key in an error').toBe(false);
    }
  }
  const disturbed =
    holding.length !== 1 || own || proxied || call.abort !== undefined || (isClosed && end >= closed);
  const trace = traceOf(call, holding[0]!);
  const byHand = name === 'https' && call.path.includes('plain'); // who follows redirects by hand minds http: as well
  if (disturbed || !trace || call.flaky || byHand) return;
  expect(seen, what).toEqual(trace.seen);
  const arrived = outcome && 'status' in outcome && outcome.status === 200;
  if (arrived !== trace.arrives) expect.fail(`${arrived ? 'arrived' : 'did not arrive'}: ${what}`);
}

/** Over TLS: a config's proxy is for nothing else. */
const connectionsOf = ({ servers }: Ground) =>
  servers.slice(0, -1).reduce((sum, { connections }) => sum + connections, 0);

const nameOf = ({ clientCertificate }: SeenRequest): string | null => clientCertificate?.commonName ?? null;
