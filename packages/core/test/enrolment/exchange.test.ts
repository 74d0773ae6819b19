import { once } from 'node:events';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createAuthority } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { ask, withTimeout } from '../../src/enrolment.ts';

it('an authority that never answers is not waited for, also where memory is cleaned up meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const silent = createServer().listen(0);
  await once(silent, 'listening');
  const { signal } = new AbortController();
  const { port } = silent.address() as AddressInfo;
  const request = get({ port, signal: withTimeout(signal, 300) });
  const cleaning = setInterval(collect, 50);
  try {
    const [error] = await once(request, 'error', { signal: AbortSignal.timeout(3_000) });
    expect(error).toMatchObject({ name: 'AbortError', cause: { name: 'TimeoutError' } });
  } finally {
    clearInterval(cleaning);
    request.on('error', () => {}).destroy();
    silent.close();
  }
});

it('a function that is asked for a passphrase and never answers is not waited for', async () => {
  const issued = await (await createAuthority()).issue({ name: 'me' });
  const certificate = { pfx: await issued.pfx('x'), passphrase: () => new Promise<string>(() => {}) };
  const ending = new AbortController();
  const asking = ask({ certificate }, { url: new URL('https://localhost:1'), what: 'x' }, ending.signal);
  ending.abort(new Error('too late'));
  await expect(asking).rejects.toThrow('too late');
});
