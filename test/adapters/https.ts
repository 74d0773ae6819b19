import { request as overHttp, Agent as PlainAgent } from 'node:http';
import { request as overHttps } from 'node:https';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AdapterUnderTest } from './adapter.ts';
import { asItIs } from './ground.ts';

/** `node:https` with the agent; redirects are followed as people write that by hand. */
const https: AdapterUnderTest = {
  name: 'https',
  module: import.meta.url,
  readsEnvironment: false,
  limits: true,
  unsupported: {
    'an abort ends a call that waits for credentials, which then reaches nobody': 'it takes no promise',
  },
  create(credentials, { maxConnections } = {}) {
    const agents = new Map<string, ReturnType<Awaited<typeof credentials>['agent']>>();
    const plain = new PlainAgent({ keepAlive: true });
    return {
      async send(url, { service, body, signal, timeout, hand = asItIs } = {}) {
        const { origin } = new URL(url);
        // A service without hosts holds at the origin of the call, so that is what an agent is made for.
        const key = service === undefined ? '' : `${service} ${origin}`;
        const own = {
          ...(service !== undefined && { service, ...(service !== false && { origin }) }),
          ...(maxConnections !== undefined && { maxSockets: maxConnections }),
        };
        let agent = agents.get(key);
        agent ??= (await credentials).agent(own);
        agents.set(key, agent);
        const end = signal ?? (timeout === undefined ? undefined : AbortSignal.timeout(timeout));
        for (let [to, hops] = [url, 0]; ; hops++) {
          const isPlain = to.startsWith('http:');
          const options = { agent: isPlain ? plain : agent, method: body === undefined ? 'GET' : 'POST' };
          const raw = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
            const request = (isPlain ? overHttp : overHttps)(
              to,
              hand({ ...options, ...(end && { signal: end }) }),
            );
            request.on('response', resolve).on('error', reject);
            if (body instanceof Readable) body.pipe(request);
            else request.end(body);
          });
          const { byteLength } = await buffer(raw);
          const { location } = raw.headers;
          const status = raw.statusCode ?? 0;
          if (![300, 301, 302, 303, 307, 308].includes(status) || location === undefined)
            return { status, length: byteLength, raw };
          if (hops === 20) throw Object.assign(new Error('20 redirects'), { code: 'ERR_TOO_MANY_REDIRECTS' });
          to = new URL(location, to).href;
        }
      },
      close: () => plain.destroy(),
    };
  },
};

export const adapters: readonly AdapterUnderTest[] = [https];
