import { inspect } from 'node:util';
import type { Config, Credentials } from '@clientcert/core';
import type { SeenRequest, TestProxy } from '@clientcert/testing';
import { expect } from 'vitest';
import { signerOf } from '../../packages/soap/test/signer.ts';
import type { AdapterUnderTest, TestClient } from '../adapters/adapter.ts';
import { codesOf } from '../adapters/ground.ts';
import { load } from './copies.ts';
import { configOf, isShown, signersOf, traceOf } from './model.ts';
import type { Call, ClientSettings, Holder, Program, Settings, Versions } from './programs.ts';
import { afterwards, type Outcome, SharedOptions, send } from './send.ts';
import { caughtUp, connectionsOf, type Ground, hopOf, markOf, settled, tick } from './servers.ts';

/** A call that was made. */
interface Sent {
  readonly mark: string;
  readonly call: Call;
  readonly start: number;
  end: number;
  outcome: Outcome | undefined;
}

/** Settings, from the moment at which they may hold to the one from which they may not. */
interface Period {
  readonly settings: Settings;
  readonly from: number;
  until: number;
  /** From then on, no connection is accepted that was begun by them. */
  gone: number;
}

let runs = 0;

/** One program, run, and judged by what the servers saw. */
export class Run {
  readonly #adapter: AdapterUnderTest;
  readonly #program: Program;
  readonly #ground: Ground;
  readonly #name = ++runs;
  readonly #periods: readonly Period[][];
  /** What the sources of each config give by now. */
  readonly #versions: Versions[];
  readonly #options = new SharedOptions();
  readonly #sent: Sent[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #reloading: Promise<void> = Promise.resolve();
  #credentials: readonly Credentials[] = [];
  #clients: readonly TestClient[] = [];
  #closedAt = Number.POSITIVE_INFINITY;

  constructor(adapter: AdapterUnderTest, program: Program, ground: Ground) {
    this.#adapter = adapter;
    this.#program = program;
    this.#ground = ground;
    this.#periods = program.credentials.map((settings) => [periodOf(settings)]);
    this.#versions = program.credentials.map(({ versions }) => versions);
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
    const { credentials, clients } = this.#program;
    this.#credentials = await Promise.all(
      credentials.map((settings, index) => load(this.#configOf(index, settings), settings.copied)),
    );
    // Of pins without a backup, and certificates that no rule names.
    for (const each of this.#credentials) each.on('warning', () => {});
    const { authority, carol, proxies } = this.#ground;
    const own = { cert: carol.fullChain, key: carol.key, ca: authority.certificate };
    this.#clients = clients.map((each) => {
      const loaded = this.#credentials[each.credentials]!;
      return this.#adapter.create(each.promised ? Promise.resolve(loaded) : loaded, {
        retries: each.retries,
        maxConnections: each.maxConnections,
        security: each.security,
        ...(each.own === 'agent' && { ownAgent: own }),
        ...(each.own === 'certificate' && { ownCertificate: own }),
        ...(each.proxied && { proxy: proxies.plain }),
      });
    });
  }

  #configOf(index: number, settings: Settings): Config {
    return configOf(settings, this.#program.proxy, this.#ground, (who) => this.#versions[index]![who]);
  }

  async #take(): Promise<void> {
    for (const step of this.#program.steps) {
      if (step.does === 'wait') await Promise.all(this.#running);
      else if (step.does === 'call') {
        // Thrice where there is one connection at a time, so that it is queued.
        const isQueued = this.#adapter.limits && this.#program.clients[step.client]!.maxConnections === 1;
        for (let left = isQueued ? 3 : 1; left > 0; left--) this.#call(step);
      } else {
        // One after the other, so that the last one to be asked for is the last to hold.
        await this.#reloading;
        const replaced = this.#periods[step.credentials]!.at(-1)!;
        this.#reloading =
          step.does === 'renew'
            ? this.#renew(step.credentials, step.who)
            : this.#reload(step.credentials, step.settings);
        this.#ground.gate.opened = this.#reloading.then(caughtUp).then(() => {
          replaced.gone = tick();
        });
        if (step.wait) await this.#reloading;
      }
    }
    await this.#reloading;
  }

  #call(call: Call): void {
    const mark = `${this.#name}-${this.#sent.length}`;
    const sent: Sent = { mark, call, start: tick(), end: 0, outcome: undefined };
    this.#sent.push(sent);
    // A certificate of the caller's own node-soap itself writes on the options.
    const options = this.#program.clients[call.client]!.own ? undefined : call.options;
    const ended = send(
      this.#clients[call.client]!,
      { ...call, options },
      mark,
      this.#ground,
      this.#options,
    ).then((outcome) => {
      sent.outcome = outcome;
      sent.end = tick();
      this.#running.delete(ended);
    });
    this.#running.add(ended);
  }

  async #renew(index: number, who: Holder): Promise<void> {
    const { settings } = this.#periods[index]!.at(-1)!;
    const versions: Versions = { ...settings.versions, [who]: 3 - settings.versions[who] };
    await this.#reload(index, { ...settings, versions }, settings.renewing);
  }

  async #reload(index: number, settings: Settings, isRead = false): Promise<void> {
    const periods = this.#periods[index]!;
    const replaced = periods.at(-1)!;
    periods.push(periodOf(settings));
    this.#versions[index] = settings.versions;
    const { failed } = await this.#credentials[index]!.reload(
      isRead ? undefined : this.#configOf(index, settings),
    );
    expect(failed).toEqual([]);
    replaced.until = tick();
  }

  async #close(): Promise<void> {
    if (!this.#program.closed) await Promise.all(this.#running);
    this.#closedAt = tick();
    await Promise.all(this.#credentials.map((each) => each.close()));
    await Promise.all(this.#running);
    for (const [index, client] of this.#clients.entries()) {
      const settings = this.#program.clients[index]!;
      const { first } = this.#periods[settings.credentials]!.at(-1)!.settings.rules;
      // Where no rule names the host, and with what is the caller's own, there may be nothing to refuse.
      if (settings.own || !first || (this.#signs(settings) && !first.holder)) continue;
      const late = await send(client, afterwards, `${this.#name}-late`, this.#ground, this.#options);
      expect('error' in late && codesOf(late.error)).toContain('ERR_CLIENTCERT_CLOSED');
    }
    for (const client of this.#clients) await client.close?.();
    await this.#ground.gate.opened;
    expect(this.#options.isWritten, 'options of the caller’s were written to').toBe(false);
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
    const { placeOf, acceptedAt } = this.#ground;
    const client = this.#program.clients[call.client]!;
    const holding = this.#periods[client.credentials]!.filter(
      ({ from, until }) => from <= end && until >= start,
    );
    const configs = holding.map(({ settings }) => settings);
    const isSigned = this.#signs(client);
    const seen = requests.map(
      (request) => [placeOf.get(request.port)!, nameOf(request), this.#signerOf(request)] as const,
    );
    const ended = outcome && 'error' in outcome ? codesOf(outcome.error) : outcome?.status;
    const what = inspect({ call, client, configs, seen, ended }, { depth: 6, breakLength: 120 });

    for (const [index, request] of requests.entries()) {
      const [place, name, signer] = seen[index]!;
      // Within TLS to a proxy it waits for that, with timers of TCP.
      const accepted = this.#program.proxy === 'secure' ? 0 : acceptedAt(request);
      const standing = holding.filter(({ gone }) => gone >= accepted).map(({ settings }) => settings);
      if (!isShown(request, place, call, standing, client.own ? 'carol' : null, signer)) {
        expect.fail(`shown as ${name}, signed ${signer} (${request.protocol}) at ${place}: ${what}`);
      }
      // Of what was given up, a part has arrived.
      const signers = isSigned && request.method === 'POST' ? configs.flatMap(signersOf) : [null];
      if (request.body !== null) expect(signers, what).toContain(signer);
      if (call.post && request.method === 'POST' && request.body) {
        expect(request.body).toContain(`said ${mark}`);
      }
    }
    if (outcome && 'error' in outcome) this.#judgeError(outcome.error, what);

    const isDisturbed = configs.length !== 1 || client.own || client.proxied || call.abort !== undefined;
    // A security by itself does not wait for what is loading, and cannot be used with frozen options.
    const isPartial =
      this.#adapter.signs &&
      client.security?.endsWith('alone') &&
      (client.promised || call.options === 'frozen');
    const isClosed = this.#program.closed && end >= this.#closedAt;
    // Who follows redirects by hand minds http: by hand as well.
    const isByHand = this.#adapter.name === 'https' && call.path.includes('plain');
    if (isDisturbed || isClosed || isByHand || isPartial || call.flaky) return;
    const trace = traceOf(call, configs[0]!, isSigned);
    if (!trace) return;
    // Who repeats calls does so where a kept connection is lost, too.
    const isAgain = (index: number) =>
      client.retries > 0 && index > 0 && hopOf(requests[index]!) === hopOf(requests[index - 1]!);
    expect(
      seen.filter((_, index) => !isAgain(index)),
      what,
    ).toEqual(trace.seen);
    expect(ended === 200, what).toBe(trace.arrives);
  }

  #signs({ security }: ClientSettings): boolean {
    return this.#adapter.signs === true && security !== undefined && security !== 'alone';
  }

  /** By the certificate in the message, as a receiver verifies it. */
  #signerOf({ body }: SeenRequest): string | null {
    if (!body?.includes('BinarySecurityToken')) return null;
    const serial = signerOf(body);
    const all = Object.values(this.#ground.issued).flatMap((each) => Object.values(each));
    return all.find(({ serialNumber }) => serialNumber === serial)!.name;
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

const periodOf = (settings: Settings): Period => ({
  settings,
  from: tick(),
  until: Number.POSITIVE_INFINITY,
  gone: Number.POSITIVE_INFINITY,
});

const nameOf = ({ clientCertificate }: SeenRequest): string | null => clientCertificate?.commonName ?? null;
