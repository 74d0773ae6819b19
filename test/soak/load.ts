import type { Credentials } from '@clientcert/core';
import type { SendOptions, TestClient } from '../adapters/adapter.ts';
import { type Client, clients } from '../leaks/clients.ts';
import type { Call, Expected, Ledger } from './ledger.ts';

/** Where things are. */
export interface Places {
  /** alice, and bob as `Invoices`; HTTP/2 is offered. */
  readonly alice: string;
  /** bob, over TLS 1.2. */
  readonly bob: string;
  /** Its rule changes from time to time; HTTP/2 is offered. */
  readonly moving: string;
  /** Trusted, and presented with nothing. */
  readonly open: string;
  /** Another host that is presented with nothing. */
  readonly other: string;
  readonly plain: string;
  /** Its certificate is not trusted by the server. */
  readonly refused: string;
}

interface Plan {
  readonly kind: string;
  readonly expected: Expected;
  readonly url: string;
  readonly options?: SendOptions;
  /** In milliseconds; half a minute unless given: a machine may be busy with much else. */
  readonly timeout?: number;
}

/** Calls as they come, until it is told to stop. */
export class Load {
  readonly #workers: Promise<void>[] = [];
  readonly #opened: TestClient[] = [];
  #wanted = true;
  #paused: Promise<void> | null = null;
  #resume: () => void = () => {};

  readonly ledger: Ledger;
  readonly places: Places;

  constructor(ledger: Ledger, places: Places) {
    this.ledger = ledger;
    this.places = places;
  }

  /** Every client over these credentials, one call of each at a time. */
  start(credentials: Credentials, proxied: boolean): void {
    for (const client of clients) {
      if (proxied && client.direct) continue;
      // undici's HTTP/2 keeps what belonged to a stream that was aborted for as long as it would have waited for it.
      const opened = client.create(credentials, { answerTimeout: 10_000 });
      this.#opened.push(opened);
      this.#workers.push(this.#work(client, opened, proxied));
    }
  }

  /** Until nothing is under way. */
  async pause(): Promise<void> {
    this.#paused = new Promise((resolve) => {
      this.#resume = resolve;
    });
    for (let left = 600; this.ledger.underWay > 0 && left > 0; left--) await sleep(50);
  }

  resume(): void {
    this.#paused = null;
    this.#resume();
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    await this.pause();
    this.resume();
    await Promise.race([Promise.all(this.#workers), sleep(5_000)]);
    for (const client of this.#opened) await client.close?.();
  }

  async #work(client: Client, opened: TestClient, proxied: boolean): Promise<void> {
    await sleep(Math.random() * 2_000);
    while (this.#wanted) {
      if (this.#paused) await this.#paused;
      if (!this.#wanted) return;
      const plan = this.#plan(client);
      const { kind, expected, timeout = 30_000 } = plan;
      const call: Call = { client: client.name, kind, expected, proxied, timeout };
      const end = new AbortController();
      const abort = () => end.abort();
      const timer = timeout <= 1_000 ? setTimeout(abort, timeout) : undefined;
      // One that never ends is reported; its worker goes on.
      await new Promise<void>((resolve) => {
        this.ledger.begin(call, { abort, lose: resolve });
        opened
          .send(plan.url, { ...plan.options, signal: end.signal })
          .then(
            () => this.ledger.answer(call),
            (error) => this.ledger.error(call, error),
          )
          .then(resolve);
      });
      clearTimeout(timer);
      await sleep(Math.random() * 20);
    }
  }

  #plan(client: Client): Plan {
    const { alice, bob, moving, open, other, plain, refused } = this.places;
    const since = Date.now();
    const at = (place: string, path: string, who: string, more = '') =>
      `${place}${path}?who=${who}&since=${since}${more}`;
    const to = (place: string, path: string, who: string, next: string) =>
      at(place, path, who, `&status=${pick([301, 302, 303, 307, 308])}&to=${encodeURIComponent(next)}`);
    const answer = (url: string, options?: SendOptions): Plan => ({
      kind: 'call',
      expected: 'answer',
      url,
      ...(options && { options }),
    });
    const direct: (() => Plan)[] = [
      () => answer(at(alice, '/', 'alice')),
      () => answer(at(bob, '/', 'bob')),
      () => answer(at(alice, '/', 'bob'), { service: 'Invoices' }),
      () => answer(at(open, '/', 'bob'), { service: 'Archive' }),
      () => answer(at(open, '/', 'none')),
      () => answer(at(other, '/', 'none')),
      () => answer(at(moving, '/', 'moving')),
      () => answer(at(moving, '/', 'none'), { service: false }),
      () => answer(at(alice, '/slow', 'alice', `&ms=${Math.round(Math.random() * 400)}`)),
      () => answer(at(bob, '/', 'bob'), { body: 'x'.repeat(10_000) }),
    ];
    const followed: (() => Plan)[] = [
      () => answer(to(alice, '/redirect', 'alice', at(other, '/', 'none'))),
      () => answer(to(other, '/redirect', 'none', at(bob, '/', 'bob'))),
      () => answer(to(bob, '/redirect', 'bob', at(alice, '/', 'alice'))),
      () => answer(to(alice, '/redirect', 'alice', to(other, '/redirect', 'none', at(alice, '/', 'alice')))),
      () => answer(to(open, '/redirect', 'bob', at(other, '/', 'none')), { service: 'Archive' }),
      () => ({ kind: 'endless redirects', expected: 'either', url: at(alice, '/loop', 'alice') }),
      () => ({
        kind: 'redirect to http',
        expected: client.downgrades ? 'either' : 'error',
        url: to(alice, '/redirect', 'alice', at(plain, '/', client.downgrades ? 'none' : 'never')),
      }),
    ];
    const broken: (() => Plan)[] = [
      () => ({ kind: 'no answer', expected: 'error', url: at(alice, '/stall', 'alice'), timeout: 1_000 }),
      () => ({ kind: 'half an answer', expected: 'error', url: at(bob, '/half', 'bob') }),
      () => ({
        kind: 'half an answer, then none',
        expected: 'error',
        url: at(alice, '/half-and-stall', 'alice'),
        timeout: 1_000,
      }),
      () => ({ kind: 'reset', expected: 'error', url: at(alice, '/reset', 'alice') }),
      () => ({ kind: '503', expected: 'either', url: at(bob, '/status/503', 'bob') }),
      () => ({ kind: 'certificate refused', expected: 'error', url: at(refused, '/', 'never') }),
      () => ({
        kind: 'aborted at once',
        expected: 'either',
        url: at(alice, '/slow', 'alice', '&ms=300'),
        timeout: Math.random() * 20,
      }),
    ];
    const chance = Math.random();
    if (chance < 0.1) return pick(broken)();
    if (chance < 0.35 && !client.stays) return pick(followed)();
    return pick(direct)();
  }
}

function pick<Item>(list: readonly Item[]): Item {
  return list[Math.floor(Math.random() * list.length)]!;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
