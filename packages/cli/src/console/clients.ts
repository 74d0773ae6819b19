import { type Agent, get } from 'node:https';
import type { Credentials } from '@clientcert/core';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly type: string | null;
  /** The beginning of its text. */
  readonly text: string;
  /** How long the body is, in bytes. */
  readonly length: number;
}

/** One GET over a connection of its own, as a program makes it with this client. */
export type Get = (url: URL, service: string | undefined, signal: AbortSignal) => Promise<Answer>;

/** More of an answer is not read. */
const MOST = 2 ** 20;
const SHOWN = 2000;
const HEADERS = { accept: '*/*', connection: 'close', 'user-agent': 'clientcert-console' };

function answerOf(status: number, type: string | null | undefined, bytes: Buffer): Answer {
  return { status, type: type ?? null, text: bytes.toString().slice(0, SHOWN), length: bytes.length };
}

/** Each client, loaded when it is asked for: who installs the command does not get them with it. */
const CLIENTS: Readonly<Record<string, (credentials: Credentials) => Promise<Get>>> = {
  'node:https': async (credentials) => {
    // One for each service: sessions are resumed among the connections of an agent.
    const agents = new Map<string, Agent>();
    const agentFor = (service: string | undefined, origin: string) => {
      const key = service === undefined ? '' : `${service} ${origin}`;
      const options = service === undefined ? {} : { service, origin };
      const agent = agents.get(key) ?? credentials.agent({ keepAlive: false, ...options });
      agents.set(key, agent);
      return agent;
    };
    return (url, service, signal) =>
      new Promise((resolve, reject) => {
        const agent = agentFor(service, url.origin);
        get(url, { agent, headers: HEADERS, signal }, (response) => {
          const chunks: Buffer[] = [];
          let length = 0;
          response.on('data', (chunk: Buffer) => {
            if (length < MOST) chunks.push(chunk);
            length += chunk.length;
            if (length >= MOST) response.destroy();
          });
          const done = () =>
            resolve(answerOf(response.statusCode!, response.headers['content-type'], Buffer.concat(chunks)));
          response.once('end', done).once('close', done).once('error', reject);
        }).once('error', reject);
      });
  },
  axios: async (credentials) => {
    const [{ default: axios }, { clientCertificates }] = await Promise.all([
      import('axios'),
      import('@clientcert/axios'),
    ]);
    const api = axios.create({ headers: HEADERS, responseType: 'arraybuffer', maxContentLength: MOST });
    api.defaults.validateStatus = () => true;
    clientCertificates(api, credentials);
    return async (url, service, signal) => {
      const { status, headers, data } = await api.get<Buffer>(url.href, {
        signal,
        ...(service !== undefined && { clientCertificate: service }),
      });
      return answerOf(status, headers['content-type'] as string | undefined, data);
    };
  },
  got: async (credentials) => {
    const [{ default: got }, { clientCertificates }] = await Promise.all([
      import('got'),
      import('@clientcert/got'),
    ]);
    const api = got.extend(clientCertificates(credentials), {
      headers: HEADERS,
      retry: { limit: 0 },
      throwHttpErrors: false,
      responseType: 'buffer',
    });
    return async (url, service, signal) => {
      const { statusCode, headers, body } = await api<Buffer>(url, {
        signal,
        ...(service !== undefined && { context: { clientCertificate: service } }),
      });
      return answerOf(statusCode, headers['content-type'], body);
    };
  },
  fetch: async (credentials) => {
    const { createFetch } = await import('@clientcert/undici');
    return async (url, service, signal) => {
      const fetch = createFetch(credentials, service === undefined ? {} : { service });
      const response = await fetch(url.href, { headers: HEADERS, signal });
      const bytes = Buffer.from(await response.arrayBuffer());
      return answerOf(response.status, response.headers.get('content-type'), bytes);
    };
  },
};

/** Those that are installed beside the command. */
export async function installedClients(): Promise<string[]> {
  const found = await Promise.all(
    CLIENT_PACKAGES.map(async ([name, load]) => {
      try {
        await load();
        return [name];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
        return [];
      }
    }),
  );
  return ['node:https', ...found.flat()];
}

const CLIENT_PACKAGES: readonly (readonly [name: string, load: () => Promise<unknown>])[] = [
  ['axios', () => Promise.all([import('axios'), import('@clientcert/axios')])],
  ['got', () => Promise.all([import('got'), import('@clientcert/got')])],
  ['fetch', () => import('@clientcert/undici')],
];

const made = new WeakMap<Credentials, Map<string, Promise<Get>>>();

/** How a client makes one request; the same client each time, as in a program. */
export async function clientNamed(name: string, credentials: Credentials): Promise<Get | undefined> {
  if (!Object.hasOwn(CLIENTS, name)) return undefined;
  const known = made.get(credentials) ?? new Map<string, Promise<Get>>();
  made.set(credentials, known);
  const get = known.get(name) ?? CLIENTS[name]!(credentials);
  known.set(name, get);
  return await get;
}
