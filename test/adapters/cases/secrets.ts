import { createPrivateKey } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { startServer } from '@clientcert/testing';
import { expect } from 'vitest';
import type { Answer } from '../adapter.ts';
import { type Case, failureOf, type Ground } from '../ground.ts';

const passphrase = 'canary-of-the-passphrase';

export const secrets = {
  async 'stand in no answer'(ground) {
    const { canary, client, bank } = await prepare(ground);
    const answer: Answer = await client.send(bank.url);
    expectNone(answer.raw, canary);
    expectNone((await client.send(bank.url, { service: 'Archive' })).raw, canary);
  },

  async 'stand in no error: a status, a refused connection, a conflict, an unknown service, an abort'(
    ground,
  ) {
    const { canary, client, bank, credentials } = await prepare(ground);
    const gone = await startServer({ authority: ground.authority, host: 'localhost' });
    await gone.close();
    const calls = [
      () => client.send(`${bank.url}/status/500`),
      () => client.send(`${bank.url}/status/404`, { service: 'Archive' }),
      () => client.send(`${gone.url}/`),
      () => client.send(bank.url, { service: false }),
      () => client.send(bank.url, { service: 'Unknown' }),
      () => client.send(bank.url, { signal: AbortSignal.abort() }),
      () => client.send(`${bank.url}/delay?ms=60000`, { timeout: 100 }),
    ];
    for (const call of calls) expectNone(await call().catch((error: unknown) => error), canary);
    expectNone(credentials, canary);
  },

  async 'stand in no error where the server is not trusted'(ground) {
    const { canary, client } = await prepare(ground);
    await using stranger = await startServer({ host: 'localhost' });
    expectNone(await failureOf(client.send(stranger.url)), canary);
  },

  async 'of a proxy stand in no answer, no error and no channel'(ground) {
    const { canary, bank } = await prepare(ground);
    const password = 'canary-of-the-proxy';
    const proxy = await ground.proxy({ authentication: { username: 'me', password } });
    const refusing = await ground.proxy({ refuse: 407 });
    const basic = Buffer.from(`me:${password}`).toString('base64');
    const own: Canary = {
      texts: [...canary.texts, password, basic],
      bytes: [...canary.bytes, Buffer.from(password), Buffer.from(basic)],
    };
    const messages: unknown[] = [];
    const listen = (message: unknown) => void messages.push(message);
    const channels = ['http.client.request.start', 'undici:client:sendHeaders', 'undici:client:connected'];
    for (const channel of channels) subscribe(channel, listen);
    try {
      for (const { url } of [proxy, refusing]) {
        const through = url.replace('//', `//me:${password}@`);
        const client = ground.client(await ground.load(bank, { proxy: through }));
        const ended = await client.send(bank.url).then(
          ({ raw }: Answer) => raw,
          (error: unknown) => error,
        );
        expectNone(ended, own);
      }
    } finally {
      for (const channel of channels) unsubscribe(channel, listen);
    }
    expect(proxy.connects.map(({ status }) => status)).toEqual([200]);
    expect(refusing.connects.length).toBeGreaterThan(0);
    for (const message of messages) expectNone(message, own);
  },
} satisfies Record<string, Case>;

export interface Canary {
  readonly texts: readonly string[];
  readonly bytes: readonly Buffer[];
}

async function prepare(ground: Ground) {
  const { alice, authority, directory } = ground;
  const pfx = await alice.pfx(passphrase);
  const path = join(directory, 'canary.pfx');
  await writeFile(path, pfx);
  const bank = await ground.bank();
  const ca = authority.certificate;
  const credentials = await ground.load(bank, { certificates: { alice: { pfx: path, passphrase, ca } } });
  const { d = '' } = createPrivateKey(alice.key).export({ format: 'jwk' });
  const scalar = Buffer.from(d, 'base64url');
  // A middle part of each, so that line breaks and offsets of the encoding do not hide it.
  const canary: Canary = {
    texts: [
      passphrase,
      // Past what the keys of one curve have in common.
      alice.key.split('\n')[1]!.slice(50),
      alice.key.split('\n')[2]!.slice(0, 40),
      d,
      scalar.toString('hex'),
      scalar.toString('base64').slice(0, 40),
      [...scalar.subarray(4, 20)].join(','),
      [...scalar.subarray(4, 12)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      pfx.subarray(300, 360).toString('base64').slice(4, 60),
    ],
    bytes: [scalar, pfx.subarray(300, 360), Buffer.from(passphrase)],
  };
  return { bank, credentials, canary, client: ground.client(credentials) };
}

/** Fails where a secret is printed, or can be reached. */
export function expectNone(value: unknown, { texts, bytes }: Canary): void {
  const printed = [
    inspect(value, {
      depth: 12,
      showHidden: true,
      getters: true,
      maxStringLength: null,
      maxArrayLength: null,
    }),
    inspect(value, { depth: 12 }),
    stringify(value),
    value instanceof Error ? `${value.stack}${value.message}` : String(value),
  ].join('\n');
  for (const text of texts) expect(printed.includes(text), `printed: ${text.slice(0, 12)}…`).toBe(false);
  for (const { path, found } of reach(value)) {
    const hit =
      typeof found === 'string'
        ? texts.some((text) => found.includes(text))
        : bytes.some((part) => Buffer.from(found.buffer, found.byteOffset, found.byteLength).includes(part));
    if (hit) expect.fail(`a secret at ${path}`);
  }
}

/** As loggers do: circular parts are left out. */
function stringify(value: unknown): string {
  const above: unknown[] = [];
  return String(
    JSON.stringify(value, function (this: unknown, _key, each: unknown) {
      if (typeof each === 'bigint') return String(each);
      if (typeof each !== 'object' || each === null) return each;
      while (above.length > 0 && above.at(-1) !== this) above.pop();
      if (above.includes(each) || above.length > 12) return undefined;
      above.push(each);
      return each;
    }),
  );
}

/** Every text and every run of bytes that can be reached by property, symbol, Map or Set. */
function* reach(root: unknown): Generator<{ path: string; found: string | ArrayBufferView }> {
  const seen = new Set<unknown>([globalThis, process, process.env]);
  const left: { path: string; value: unknown }[] = [{ path: '', value: root }];
  for (let each = left.pop(); each && seen.size < 100_000; each = left.pop()) {
    const { path, value } = each;
    if (typeof value === 'string' || ArrayBuffer.isView(value)) {
      yield { path, found: value };
      continue;
    }
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value))
      continue;
    seen.add(value);
    if (value instanceof Map)
      for (const [key, inner] of value) left.push({ path: `${path}.(${String(key)})`, value: inner });
    if (value instanceof Set) for (const inner of value) left.push({ path: `${path}.()`, value: inner });
    for (const key of Reflect.ownKeys(value)) {
      const property = Reflect.getOwnPropertyDescriptor(value, key);
      if (property && 'value' in property)
        left.push({ path: `${path}.${String(key)}`, value: property.value });
      if (typeof key === 'string' && key.length > 20) yield { path: `${path} (key)`, found: key };
    }
  }
}
