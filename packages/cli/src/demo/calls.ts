import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { type Credentials, clientCertificates, loadCredentials } from '@clientcert/axios';
import { clientCertificates as gotCertificates } from '@clientcert/got';
import { soapOptions } from '@clientcert/soap';
import { createFetch, clientCertificates as undiciCertificates } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import soap from 'soap';
import { Agent, interceptors, request } from 'undici';

/** What the calls are made with and where they go. */
export interface Scene {
  files: { modernPfx: string; oldPfx: string; cert: string; key: string };
  passphrase: string;
  /** Demands a certificate; the config pins one to it. */
  pinned: string;
  /** The same host on a port that no rule names. */
  samePinnedHost: string;
  /** A host that no rule names. */
  unnamed: string;
}

/** One call as its caller knows it. */
export interface Call {
  file: string;
  client: string;
  call: string;
  milliseconds: number;
  /** The certificate that each server on the way should see. */
  expected: (string | null)[];
  error?: string | undefined;
}

/** The calls of the demo, each reported to the parent process, which knows what the servers saw. */
export async function makeCalls(): Promise<void> {
  const [scene] = (await once(process, 'message')) as [Scene];
  const { pinned, samePinnedHost, unnamed, passphrase, files } = scene;
  const sources = [
    ['modern.pfx (AES-256)', { pfx: files.modernPfx, passphrase }],
    ['old-windows.pfx (RC2)', { pfx: files.oldPfx, passphrase }],
    ['client.pem + encrypted key', { cert: files.cert, key: files.key, passphrase }],
  ] as const;
  for (const [index, [file, source]] of sources.entries()) {
    const credentials = await loadCredentials({
      certificates: { bank: source },
      hosts: { [new URL(pinned).host]: 'bank' },
    });
    // Every client with the first file; one is enough to show that the others are read alike.
    const shown = adapters(credentials).slice(0, index === 0 ? undefined : 1);
    for (const [client, get] of shown) {
      const report = async (call: string, url: string, expected: (string | null)[]) => {
        const before = performance.now();
        const error = await get(url).then(
          () => undefined,
          (reason: Error) => reason.message,
        );
        const milliseconds = performance.now() - before;
        process.send!({ file, client, call, milliseconds, expected, error } satisfies Call);
        await once(process, 'message');
      };
      await report('the pinned host', `${pinned}/accounts`, ['alice']);
      await report('again, new connection', `${pinned}/accounts`, ['alice']);
      await report('same host, other port', `${samePinnedHost}/rates`, [null]);
      await report('a host no rule names', `${unnamed}/news`, [null]);
      await report(
        'redirected to that host',
        `${pinned}/redirect?to=${encodeURIComponent(`${unnamed}/news`)}`,
        ['alice', null],
      );
    }
    await credentials.close();
  }
  process.disconnect();
}

type Get = (url: string) => Promise<unknown>;

/** How each client makes a call with its adapter. `connection: close` shows resumption instead of reuse. */
function adapters(credentials: Credentials): [string, Get][] {
  const api = axios.create({ headers: { connection: 'close' } });
  clientCertificates(api, credentials);
  const gotten = got.extend(gotCertificates(credentials), {
    headers: { connection: 'close' },
    retry: { limit: 0 },
  });
  const dispatcher = new Agent().compose(
    undiciCertificates(credentials),
    interceptors.redirect({ maxRedirections: 5 }),
  );
  const fetch = createFetch(credentials);
  return [
    ['axios', (url) => api.get(url)],
    ['got', (url) => gotten(url)],
    ['node-soap', (url) => soap.createClientAsync(url, soapOptions(credentials, { disableCache: true }))],
    ['undici', (url) => request(url, { dispatcher, reset: true }).then(({ body }) => body.dump())],
    ['fetch', (url) => fetch(url, { headers: { connection: 'close' } }).then((answer) => answer.text())],
  ];
}
