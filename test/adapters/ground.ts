import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientCertificateError, type Config, type Credentials, loadCredentials } from '@clientcert/core';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type ProxyOptions,
  type SeenRequest,
  type ServerOptions,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import { expect } from 'vitest';
import type { AdapterUnderTest, ClientOptions, TestClient } from './adapter.ts';

/** One thing a user would notice, on a ground of its own. */
export type Case = (ground: Ground) => Promise<void>;

/** Who there is: one authority, and two clients that it vouches for. */
export interface People {
  readonly authority: Authority;
  readonly alice: IssuedCertificate;
  readonly bob: IssuedCertificate;
  /** For files of a case. */
  readonly directory: string;
  remove(): Promise<void>;
}

export async function createPeople(): Promise<People> {
  const authority = await createAuthority();
  const [alice, bob, directory] = await Promise.all([
    authority.issue({ name: 'alice' }),
    authority.issue({ name: 'bob' }),
    mkdtemp(join(tmpdir(), 'clientcert-adapters-')),
  ]);
  return { authority, alice, bob, directory, remove: () => rm(directory, { recursive: true }) };
}

/** What a case stands on; all that it opens is closed at its end. */
export interface Ground extends People, AsyncDisposable {
  readonly adapter: AdapterUnderTest;
  /** Three ports on `localhost`: the first two demand a certificate, the third asks for one and takes none. */
  bank(options?: Omit<ServerOptions, 'listeners'>): Promise<TestServer>;
  /** Another host, `127.0.0.1`, that asks for a certificate and takes none. */
  other(options?: ServerOptions): Promise<TestServer>;
  /** A host over plain HTTP. */
  plain(options?: ServerOptions): Promise<TestServer>;
  proxy(options?: ProxyOptions): Promise<TestProxy>;
  /**
   * alice at the first port of the bank, bob at its second, none at the third and at the others, which are
   * trusted; `Invoices` is bob at the first port, `Orders` alice, and `Archive` bob where the call itself goes.
   */
  load(bank: TestServer, options?: LoadOptions): Promise<Credentials>;
  /** Closed with the case, as what `load` returns. */
  keep(credentials: Credentials): Credentials;
  client(credentials: Credentials | Promise<Credentials>, options?: ClientOptions): TestClient;
  /** Sets environment variables for the case; no variable of proxies is set unless here. */
  setEnvironment(values: Record<string, string>): void;
}

export interface LoadOptions {
  readonly others?: readonly TestServer[];
  readonly certificates?: Config['certificates'];
  readonly hosts?: Config['hosts'];
  readonly tls?: Config['tls'];
  readonly proxy?: Config<'alice' | 'bob'>['proxy'];
}

export async function createGround(adapter: AdapterUnderTest, people: People): Promise<Ground> {
  const { authority, alice, bob } = people;
  const opened: (() => unknown)[] = [];
  const environment = takeProxyVariables();

  const serve = async (options: ServerOptions): Promise<TestServer> => {
    const handler = chain(options.handler, adapter.answer);
    const server = await startServer({ authority, ...options, handler });
    opened.push(() => server.close());
    return server;
  };
  const keep = (credentials: Credentials): Credentials => {
    opened.push(() => credentials.close());
    return credentials;
  };
  return {
    ...people,
    adapter,
    keep,
    bank: (options = {}) =>
      serve({
        host: 'localhost',
        ...options,
        listeners: [{}, {}, { clientCertificate: 'optional' }],
      }),
    other: (options = {}) => serve({ clientCertificate: 'optional', ...options }),
    plain: (options = {}) => serve({ tls: false, ...options }),
    async proxy(options = {}) {
      const proxy = await startProxy({ authority, ...options });
      opened.push(() => proxy.close());
      return proxy;
    },
    async load(bank, { others = [], certificates, hosts, tls, proxy } = {}) {
      const [first, second, third] = bank.ports.map((port) => `localhost:${port}`) as [
        string,
        string,
        string,
      ];
      const ca = authority.certificate;
      const trusted = others.map((server) => [`${server.host}:${server.port}`, { ca }]);
      return keep(
        await loadCredentials({
          certificates: {
            alice: { cert: alice.fullChain, key: alice.key, ca },
            bob: { cert: bob.fullChain, key: bob.key, ca },
            ...certificates,
          },
          hosts: {
            [first]: 'alice',
            [second]: 'bob',
            [third]: { ca },
            ...Object.fromEntries(trusted),
            ...hosts,
          },
          services: {
            Invoices: { certificate: 'bob', hosts: [first] },
            Orders: { certificate: 'alice', hosts: [first] },
            Archive: 'bob',
          },
          tls,
          proxy,
        }),
      );
    },
    client(credentials, options) {
      const client = adapter.create(credentials, options);
      opened.push(() => client.close?.());
      return client;
    },
    setEnvironment: (values) => void Object.assign(process.env, values),
    async [Symbol.asyncDispose]() {
      takeProxyVariables();
      Object.assign(process.env, environment);
      for (const close of opened.reverse()) await close();
    },
  };
}

/** Common names in the order of the requests; `null` where none was presented. */
export function names(server: TestServer): (string | null)[] {
  return server.requests.map(nameOf);
}

export function nameOf({ clientCertificate }: SeenRequest): string | null {
  return clientCertificate?.commonName ?? null;
}

/** What a promise is rejected with; a promise that is not rejected fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise]);
  if (result.status === 'fulfilled') expect.fail('the call went through, and should have failed');
  return result.reason;
}

/** The codes of an error and of its causes, outermost first. */
export function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let each = error; each instanceof Error && codes.length < 10; each = each.cause) {
    codes.push(String((each as NodeJS.ErrnoException).code ?? each.name));
  }
  return codes;
}

/** The case's failure carries an error of ours, on itself or as its cause, where `from` finds it and what to do. */
export async function expectFailure(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await failureOf(promise);
  expect(codesOf(error)).toContain(`ERR_CLIENTCERT_${code}`);
  const ours = ClientCertificateError.from(error);
  expect(ours).toMatchObject({ code: `ERR_CLIENTCERT_${code}`, hint: expect.stringMatching(/[.?]$/) });
}

/** Waits until something holds, 20 seconds at most. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = Date.now(); !(await holds()); ) {
    if (Date.now() - start > 20_000) expect.fail(`not within 20 seconds: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What ends a call. Not `AbortSignal.any`: on Node 20 it is collected before a timeout in it is over. */
export function endOf(signal: AbortSignal | undefined, timeout: number | undefined): AbortSignal | null {
  return signal ?? (timeout === undefined ? null : AbortSignal.timeout(timeout));
}

/** A caller's own options, which nobody else has. */
export function asItIs<Options>(options: Options): Options {
  return options;
}

/** Until a client has put its connection back: fetch gives out the answer a little earlier. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

export function redirectTo(url: string, status = 302): string {
  return `/redirect?status=${status}&to=${encodeURIComponent(url)}`;
}

function chain(first: ServerOptions['handler'], second: ServerOptions['handler']): ServerOptions['handler'] {
  if (!first || !second) return first ?? second;
  return async (request, response, seen) => {
    if ((await first(request, response, seen)) !== false) return;
    return await second(request, response, seen);
  };
}

function takeProxyVariables(): Record<string, string> {
  const taken: Record<string, string> = {};
  for (const name of Object.keys(process.env)) {
    if (!/^(npm_config_)?(https?|all|no)_proxy$|^NODE_USE_ENV_PROXY$/i.test(name)) continue;
    taken[name] = process.env[name]!;
    delete process.env[name];
  }
  return taken;
}
