import { Readable } from 'node:stream';
import type { Credentials } from '@clientcert/core';
import { expect } from 'vitest';
import { type Case, failureOf, names, redirectTo, settle, until } from '../ground.ts';

const size = 3_000_000;

export const transfers = {
  async 'a body of text'(ground) {
    const bank = await ground.bank();
    await ground.client(await ground.load(bank)).send(`${bank.url}/in`, { body: 'x'.repeat(1000) });
    expect(names(bank)).toEqual(['alice']);
    expect(bank.requests[0]!.bodyLength).toBeGreaterThanOrEqual(1000);
  },

  async 'a streamed upload'(ground) {
    const bank = await ground.bank();
    await ground.client(await ground.load(bank)).send(`${bank.url}/in`, { body: stream(size) });
    expect(names(bank)).toEqual(['alice']);
    expect(bank.requests[0]!.bodyLength).toBeGreaterThanOrEqual(size);
  },

  async 'a streamed download'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    const { length } = await client.send(`${bank.url}/large?bytes=${size}`, { stream: true });
    expect(length).toBe(size);
    expect(names(bank)).toEqual(['alice']);
  },

  async 'a streamed download after a redirect, as a service'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    const url = bank.urls[1] + redirectTo(`${bank.url}/large?bytes=${size}`);
    const { length } = await client.send(url, { stream: true, service: 'Invoices' });
    expect(length).toBe(size);
    expect(names(bank)).toEqual(['bob', 'bob']);
  },

  async 'an abort ends the request at the server, and the next call is well'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    const controller = new AbortController();
    const call = failureOf(client.send(`${bank.url}/delay?ms=60000`, { signal: controller.signal }));
    await until(() => bank.requests.length === 1);
    controller.abort();
    await call;
    await until(() => bank.requests[0]!.aborted);
    await client.send(bank.url);
    expect(names(bank)).toEqual(['alice', 'alice']);
  },

  async 'an abort ends a call that waits for credentials, which then reaches nobody'(ground) {
    const bank = await ground.bank();
    const credentials = await ground.load(bank);
    let load: ((loaded: Credentials) => void) | undefined;
    const client = ground.client(new Promise<Credentials>((resolve) => (load = resolve)));
    const controller = new AbortController();
    const call = failureOf(client.send(bank.url, { signal: controller.signal }));
    await settle();
    controller.abort();
    await call;
    load!(credentials);
    // Longer than a connection takes on a busy machine.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(bank.connections).toBe(0);
    await client.send(bank.url);
    expect(names(bank)).toEqual(['alice']);
  },

  async 'a call that was aborted before it began reaches nobody'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await failureOf(client.send(bank.url, { signal: AbortSignal.abort() }));
    expect(bank.requests).toHaveLength(0);
  },

  async 'a timeout ends the request at the server'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await failureOf(client.send(`${bank.url}/delay?ms=60000`, { timeout: 1_500 }));
    await until(() => bank.requests[0]?.aborted === true);
    expect(names(bank)).toEqual(['alice']);
  },
} satisfies Record<string, Case>;

function stream(bytes: number): Readable {
  const block = Buffer.alloc(50_000, 'x');
  return Readable.from(Array.from({ length: bytes / block.length }, () => block));
}
