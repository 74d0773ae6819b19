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
import { expect } from 'vitest';
import type { AdapterUnderTest, TestClient } from '../adapters/adapter.ts';
import { codesOf } from '../adapters/ground.ts';
import { configOf, isShown, traceOf, type World } from './model.ts';
import { type Call, type Place, type Program, places, type Settings } from './programs.ts';

/** Who and what there is, for every program over one adapter. */
export interface Ground extends World {
  readonly carol: IssuedCertificate;
  readonly servers: readonly TestServer[];
  readonly proxied: readonly TestProxy[];
  /** What each port is. */
  readonly placeOf: ReadonlyMap<number, Place>;
  close(): Promise<void>;
}

export async function prepare(adapter: AdapterUnderTest): Promise<Ground> {
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

/** A call that was made. */
interface Sent {
  readonly mark: string;
  readonly call: Call;
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

let runs = 0;

/** One program, run, and judged by what the servers saw. */
export class Run {
  readonly #adapter: AdapterUnderTest;
  readonly #program: Program;
  readonly #ground: Ground;
  readonly #name = ++runs;
  readonly #periods: readonly Period[][];
  readonly #sent: Sent[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #reloading: Promise<void> = Promise.resolve();
  #credentials: readonly Credentials[] = [];
  #clients: readonly TestClient[] = [];
  /** Counts what happens. */
  #clock = 0;
  #closedAt = Number.POSITIVE_INFINITY;

  constructor(adapter: AdapterUnderTest, program: Program, ground: Ground) {
    this.#adapter = adapter;
    this.#program = program;
    this.#ground = ground;
    this.#periods = program.credentials.map((settings) => [periodOf(settings, 0)]);
  }

  async execute(): Promise<void> {
    const { servers, proxied } = this.#ground;
    const requests = servers.map((server) => server.requests.length);
    const connects = proxied.map((proxy) => proxy.connects.length);
    const connections = connectionsOf(this.#ground);
    await this.#open();
    await this.#take();
    await this.#close();
    await settled(this.#ground);
    this.#judgeRequests(servers.flatMap((server, index) => server.requests.slice(requests[index])));
    this.#judgeWay(
      proxied.map((proxy, index) => proxy.connects.slice(connects[index])),
      connectionsOf(this.#ground) - connections,
    );
  }

  async #open(): Promise<void> {
    const { credentials, clients, proxy } = this.#program;
    this.#credentials = await Promise.all(
      credentials.map((settings) => loadCredentials(configOf(settings, proxy, this.#ground))),
    );
    // Of pins without a backup, and certificates that no rule names.
    for (const each of this.#credentials) each.on('warning', () => {});
    const { authority, carol, proxies } = this.#ground;
    const own = { cert: carol.fullChain, key: carol.key, ca: authority.certificate };
    this.#clients = clients.map((each) => {
      const loaded = this.#credentials[each.credentials]!;
      return this.#adapter.create(each.promised ? Promise.resolve(loaded) : loaded, {
        retries: each.retries,
        ...(each.own === 'agent' && { ownAgent: own }),
        ...(each.own === 'certificate' && { ownCertificate: own }),
        ...(each.proxied && { proxy: proxies.plain }),
      });
    });
  }

  async #take(): Promise<void> {
    for (const step of this.#program.steps) {
      if (step.does === 'wait') await Promise.all(this.#running);
      else if (step.does === 'call') this.#call(step);
      else {
        // One after the other, so that the last one to be asked for is the last to hold.
        await this.#reloading;
        this.#reloading = this.#reload(step.credentials, step.settings);
        if (step.wait) await this.#reloading;
      }
    }
    await this.#reloading;
  }

  #call(call: Call): void {
    const mark = `${this.#name}-${this.#sent.length}`;
    const sent: Sent = { mark, call, start: this.#clock++, end: 0, outcome: undefined };
    this.#sent.push(sent);
    const ended = send(this.#clients[call.client]!, call, mark, this.#ground).then((outcome) => {
      sent.outcome = outcome;
      sent.end = this.#clock++;
      this.#running.delete(ended);
    });
    this.#running.add(ended);
  }

  async #reload(index: number, settings: Settings): Promise<void> {
    const periods = this.#periods[index]!;
    const replaced = periods.at(-1)!;
    periods.push(periodOf(settings, this.#clock++));
    await this.#credentials[index]!.reload(configOf(settings, this.#program.proxy, this.#ground));
    replaced.until = this.#clock++;
  }

  async #close(): Promise<void> {
    if (!this.#program.closed) await Promise.all(this.#running);
    this.#closedAt = this.#clock++;
    await Promise.all(this.#credentials.map((each) => each.close()));
    await Promise.all(this.#running);
    for (const [index, client] of this.#clients.entries()) {
      const { own, credentials } = this.#program.clients[index]!;
      // Where no rule names the host, and with what is the caller's own, there may be nothing to refuse.
      if (own || !this.#periods[credentials]!.at(-1)!.settings.rules.first) continue;
      const late = await send(client, afterwards, `${this.#name}-late`, this.#ground);
      expect('error' in late && codesOf(late.error)).toContain('ERR_CLIENTCERT_CLOSED');
    }
    for (const client of this.#clients) await client.close?.();
  }

  #judgeRequests(requests: readonly SeenRequest[]): void {
    const marks = new Set(this.#sent.map(({ mark }) => mark));
    expect(requests.filter((request) => !marks.has(markOf(request)))).toEqual([]);
    for (const sent of this.#sent) {
      const own = requests.filter((request) => markOf(request) === sent.mark);
      this.#judge(
        sent,
        own.sort((a, b) => hopOf(a) - hopOf(b)),
      );
    }
  }

  /** Whatever was going on, nobody saw what no config of that time shows; what nothing disturbed was seen as it says. */
  #judge({ mark, call, start, end, outcome }: Sent, requests: readonly SeenRequest[]): void {
    const { placeOf } = this.#ground;
    const client = this.#program.clients[call.client]!;
    const holding = this.#periods[client.credentials]!.filter(
      ({ from, until }) => from <= end && until >= start,
    );
    const configs = holding.map(({ settings }) => settings);
    const seen = requests.map((request) => [placeOf.get(request.port)!, nameOf(request)] as const);
    const ended = outcome && 'error' in outcome ? codesOf(outcome.error) : outcome?.status;
    const what = inspect({ call, client, configs, seen, ended }, { depth: 6, breakLength: 120 });

    for (const request of requests) {
      const place = placeOf.get(request.port)!;
      if (!isShown(request, place, call, configs, client.own ? 'carol' : null)) {
        expect.fail(`shown as ${nameOf(request)} (${request.protocol}) at ${place}: ${what}`);
      }
      if (call.post && request.method === 'POST' && request.body) {
        expect(request.body).toContain(`said ${mark}`);
      }
    }
    if (outcome && 'error' in outcome) this.#judgeError(outcome.error, what);

    const isDisturbed = configs.length !== 1 || client.own || client.proxied || call.abort !== undefined;
    const isClosed = this.#program.closed && end >= this.#closedAt;
    // Who follows redirects by hand minds http: by hand as well.
    const isByHand = this.#adapter.name === 'https' && call.path.includes('plain');
    if (isDisturbed || isClosed || isByHand || call.flaky) return;
    const trace = traceOf(call, configs[0]!);
    if (!trace) return;
    expect(seen, what).toEqual(trace.seen);
    expect(ended === 200, what).toBe(trace.arrives);
  }

  #judgeError(error: unknown, what: string): void {
    expect(error, what).toBeInstanceOf(Error);
    expect((error as Error).message, what).not.toContain('never ended');
    const text = inspect(error, { depth: 4 });
    for (const { key } of Object.values(this.#ground.issued).flatMap((each) => Object.values(each))) {
      expect(text.includes(key.split('\n')[1]!), 'a key in an error').toBe(false);
    }
  }

  #judgeWay([plain, secure]: TestProxy['connects'][], connections: number): void {
    const { proxy, clients } = this.#program;
    for (const { clientCertificate } of secure!)
      expect(clientCertificate?.commonName).toMatch(/^alice [12]$/);
    // What an interceptor is composed over goes its own way to the hosts that no rule names.
    const isFree = this.#adapter.name.startsWith('undici, interceptor');
    if (!proxy || isFree || clients.some(({ own, proxied }) => own || proxied)) return;
    expect(connections, 'past the proxy').toBeLessThanOrEqual(plain!.length + secure!.length);
  }
}

/** What was given up may be on its way still: until nothing has arrived for several turns of the event loop. */
async function settled({ servers, proxied }: Ground): Promise<void> {
  const arrived = () =>
    [...servers, ...proxied].reduce((sum, { connections }) => sum + connections, 0) +
    servers.reduce((sum, { requests }) => sum + requests.length, 0);
  for (let [quiet, before] = [0, arrived()]; quiet < 8; quiet++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (arrived() !== before) [quiet, before] = [0, arrived()];
  }
}

const periodOf = (settings: Settings, from: number): Period => ({
  settings,
  from,
  until: Number.POSITIVE_INFINITY,
});

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

/** Over TLS: a config's proxy is for nothing else. */
const connectionsOf = ({ servers }: Ground) =>
  servers.slice(0, -1).reduce((sum, { connections }) => sum + connections, 0);

const nameOf = ({ clientCertificate }: SeenRequest): string | null => clientCertificate?.commonName ?? null;
