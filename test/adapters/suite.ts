import type { Readable } from 'node:stream';
import type { Credentials } from '@clientcert/core';
import type { RequestHandler } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conflicts } from './cases/conflicts.ts';
import { identity } from './cases/identity.ts';
import { lifetime } from './cases/lifetime.ts';
import { proxies } from './cases/proxies.ts';
import { redirects } from './cases/redirects.ts';
import { secrets } from './cases/secrets.ts';
import { transfers } from './cases/transfers.ts';
import { removeBuilt } from './child.ts';
import { type Case, createGround, createPeople, type People } from './ground.ts';

/** A client with one of our adapters, as the suite drives it. A new adapter starts by writing this down. */
export interface AdapterUnderTest {
  readonly name: string;
  /** `import.meta.url` of the module that exports this object in `adapters`: a child process imports it. */
  readonly module: string;
  /** A client that follows redirects, with the adapter installed over these credentials. */
  create(credentials: Credentials | Promise<Credentials>, options?: ClientOptions): TestClient;
  /** Cases that this client has no way to do, each with the reason. */
  readonly unsupported?: { readonly [name in CaseName]?: string };
  /** Whether the client takes its proxy from the environment without being told to. */
  readonly readsEnvironment: boolean;
  /** Answers what the server's routes would: for clients that understand one kind of answer only. */
  readonly answer?: RequestHandler;
}

export interface ClientOptions {
  /** An agent or dispatcher of the caller's own, made with this. */
  readonly ownAgent?: Identity | undefined;
  /** A certificate and key of the caller's own, in the client's own options. */
  readonly ownCertificate?: Identity | undefined;
  /** A proxy's URL, in the client's own option. */
  readonly proxy?: string | undefined;
  /** How often a call answered by 503 is repeated, in the client's usual way. */
  readonly retries?: number | undefined;
}

export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface TestClient {
  /** A GET, or with a body a POST; rejects where the client would, with what the client throws. */
  send(url: string, options?: SendOptions): Promise<Answer>;
  close?(): void | Promise<void>;
}

export interface SendOptions {
  readonly service?: string | false | undefined;
  readonly body?: string | Readable | undefined;
  /** Read the answer as a stream, where the client has one. */
  readonly stream?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

export interface Answer {
  readonly status: number;
  /** How many bytes of body were read. */
  readonly length: number;
  /** What the client handed out, to be searched for secrets. */
  readonly raw: unknown;
}

const groups = {
  'which certificate a server sees': identity,
  redirects,
  proxies,
  'what the caller brings': conflicts,
  'streams, aborts and timeouts': transfers,
  secrets,
  'renewal and the end': lifetime,
};

type Union<T> = T extends unknown ? keyof T : never;
export type CaseName = Union<(typeof groups)[keyof typeof groups]>;

/** Runs every case over one adapter; what it declares unsupported is listed with its reason. */
export function describeAdapter(adapter: AdapterUnderTest): void {
  afterAll(removeBuilt); // at the end of the file: its adapters share what is built
  describe(adapter.name, () => {
    let people: People;
    beforeAll(async () => {
      people = await createPeople();
    });
    afterAll(() => people.remove());

    for (const [group, cases] of Object.entries<Record<string, Case>>(groups)) {
      describe(group, () => {
        for (const [name, run] of Object.entries(cases)) {
          const reason = adapter.unsupported?.[name as CaseName];
          if (reason === undefined) {
            it(name, async () => {
              await using ground = await createGround(adapter, people);
              await run(ground);
            });
          } else it.skip(`${name} (${adapter.name}: ${reason})`, () => {});
        }
      });
    }

    it('declares unsupported only what is a case, with a reason', () => {
      const names = Object.values(groups).flatMap((cases) => Object.keys(cases));
      for (const [name, reason] of Object.entries(adapter.unsupported ?? {})) {
        expect(names).toContain(name);
        expect(reason).toMatch(/\w/);
      }
    });
  });
}
