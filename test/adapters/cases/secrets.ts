import { createPrivateKey } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServer } from '@clientcert/testing';
import { expect } from 'vitest';
import { type Canary, search } from '../../leaks/search.ts';
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
export function expectNone(value: unknown, canary: Canary): void {
  const [found] = search(value, canary);
  if (found !== undefined) expect.fail(found);
}
