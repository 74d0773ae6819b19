import { once } from 'node:events';
import * as http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { loadCredentials } from '@clientcert/core';
import { type Authority, createAuthority, createSelfSigned, startProxy } from '@clientcert/testing';
import axios from 'axios';
import * as soap from 'soap';
import * as undici from 'undici';
import { beforeAll, describe, expect, it } from 'vitest';
import { symptoms } from '../../packages/core/src/diagnose/symptoms.ts';
import { findSymptoms, type seenWithClients } from '../../packages/core/test/diagnose/find.ts';
import { apache } from '../servers/apache.ts';
import { nginx } from '../servers/nginx.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

/** The ids of the symptoms that an error, a cause of it, or the answer in it, has. */
function find(error: unknown): (typeof seenWithClients)[number][] {
  const found = new Set<string>();
  for (let each = error; each instanceof Error; each = each.cause) {
    const { response } = each as { response?: { data?: unknown } };
    for (const { id } of findSymptoms(`${each.message}\n${response?.data ?? ''}`)) found.add(id);
  }
  return [...found] as ReturnType<typeof find>;
}

/** What went wrong; no error is one. */
async function failureOf(call: Promise<unknown>): Promise<Error> {
  return await call.then(
    () => Promise.reject(new Error('no error')),
    (error: Error) => error,
  );
}

describe.each([
  [407, 'proxy-407'],
  [403, 'proxy-403'],
  [502, 'proxy-403'],
] as const)('a proxy that answers %i', (status, id) => {
  const target = 'https://api.bank.example/';

  it.each<[string, (proxy: URL) => Promise<unknown>]>([
    ['undici', (proxy) => undici.request(target, { dispatcher: new undici.ProxyAgent(proxy.href) })],
    ['undici’s fetch', (proxy) => undici.fetch(target, { dispatcher: new undici.ProxyAgent(proxy.href) })],
    [
      'clientcert',
      async (proxy) => {
        await using credentials = await loadCredentials({ certificates: {} });
        await axios.get(target, { httpsAgent: credentials.agent({ proxy: proxy.href }), proxy: false });
      },
    ],
  ])('%s', async (_, call) => {
    await using proxy = await startProxy({ refuse: status });
    const error = await failureOf(call(new URL(proxy.url)));
    expect(find(error)).toEqual([id]);
    expect(symptoms.find((symptom) => symptom.id === id)!.codes).toContain(codeOf(error));
  });

  it.runIf(Number(process.versions.node.split('.')[0]) >= 24)('node:https with proxyEnv', async () => {
    await using proxy = await startProxy({ refuse: status });
    const agent = new https.Agent({ proxyEnv: { HTTPS_PROXY: proxy.url } } as https.AgentOptions);
    const request = https.get(target, { agent });
    const [error] = (await once(request, 'error')) as [Error];
    expect([codeOf(error), ...find(error)]).toEqual(['ERR_PROXY_TUNNEL', id]);
  });

  // A bare 403 or 502 could be the server's.
  it.runIf(status === 407)('axios and node-soap', async () => {
    await using proxy = await startProxy({ refuse: status });
    const { hostname: host, port } = new URL(proxy.url);
    const settings = { protocol: 'http', host, port: Number(port) };
    const ofAxios = await failureOf(axios.get(target, { proxy: settings }));
    expect(find(ofAxios)).toEqual([id]);
    const options = { wsdl_options: { proxy: settings } };
    expect(find(await failureOf(soap.createClientAsync(`${target}?wsdl`, options)))).toEqual([id]);
  });
});

/** The innermost code: what wraps the error has another, or none. */
function codeOf(error: unknown): unknown {
  return error instanceof Error ? (codeOf(error.cause) ?? (error as { code?: unknown }).code) : undefined;
}

it('an HTTP/2 server that wants HTTP/1.1', async () => {
  const { cert, key } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'] });
  const server = http2.createSecureServer({ cert, key }).listen(0, '127.0.0.1');
  server.on('stream', (stream) => {
    stream.on('error', () => {}).close(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED);
  });
  await once(server, 'listening');
  const dispatcher = new undici.Agent({ allowH2: true, connect: { ca: authority.certificate } });
  try {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(find(await failureOf(undici.fetch(url, { dispatcher })))).toEqual(['http-1-1-required']);
  } finally {
    await dispatcher.destroy();
    server.close();
  }
});

describe.skipIf(!nginx.program)('nginx', () => {
  it('without a certificate, with another’s, and over http:', async () => {
    await using server = await nginx.start({ authority });
    const url = `https://127.0.0.1:${server.port}/`;
    const call = (who: https.AgentOptions) =>
      axios.get(url, { httpsAgent: new https.Agent({ ca: authority.certificate, ...who }) });
    const bank = await authority.issue({ name: 'bank' });
    const stranger = await createSelfSigned({ name: 'stranger' });
    expect((await call({ cert: bank.cert, key: bank.key })).data).toBe('hello');
    expect(find(await failureOf(call({})))).toEqual(['no-required-ssl-certificate-was-sent']);
    const refused = await failureOf(call({ cert: stranger.cert, key: stranger.key }));
    expect(find(refused)).toEqual(['the-ssl-certificate-error']);
    const plain = await failureOf(axios.get(url.replace('https:', 'http:')));
    expect(find(plain)).toEqual(['http-on-tls-port']);
  });
});

describe.skipIf(!apache.program)('Apache, which asks for one path', () => {
  /** With the library, as a rule says it; the response, or why there is none. */
  async function ask(port: number, tls: 'TLSv1.2' | 'TLSv1.3', ...bodies: string[]) {
    const { cert, key } = await authority.issue({ name: 'bank' });
    await using credentials = await loadCredentials({
      certificates: { bank: { cert, key, ca: authority.certificate } },
      hosts: { [`127.0.0.1:${port}`]: { certificate: 'bank', tls } },
    });
    const api = axios.create({ httpsAgent: credentials.agent(), proxy: false });
    const url = `https://127.0.0.1:${port}/private/index.html`;
    let last: unknown;
    for (const body of bodies) {
      const call = body === '' ? api.get(url) : api.post(url, body);
      last = await call.then(
        ({ data }) => data,
        (error) => find(error),
      );
    }
    return last;
  }

  it('over TLS 1.3; and what a pin to TLS 1.2 makes of it', async () => {
    await using server = await apache.start({ authority, asks: 'by path' });
    expect(await ask(server.port, 'TLSv1.3', '')).toEqual(['cannot-perform-post-handshake-authentication']);
    expect(await ask(server.port, 'TLSv1.2', '')).toBe('hello');
  });

  it('with a large body; and what a GET before it makes of it', async () => {
    await using server = await apache.start({ authority, asks: 'by path' });
    const large = 'x'.repeat(200_000);
    expect(await ask(server.port, 'TLSv1.2', large)).toEqual(['request-entity-too-large']);
    // What is served takes no POST; the certificate is no longer in question.
    expect(await ask(server.port, 'TLSv1.2', '', large)).not.toEqual(['request-entity-too-large']);
  });

  it('over HTTP/2', async () => {
    await using server = await apache.start({ authority, asks: 'by path' });
    const dispatcher = new undici.Agent({ allowH2: true, connect: { ca: authority.certificate } });
    const call = undici.request(`https://127.0.0.1:${server.port}/private/index.html`, { dispatcher });
    expect(find(await failureOf(call))).toEqual(['http-1-1-required']);
    await dispatcher.destroy();
  });

  it('over http:', async () => {
    await using server = await apache.start({ authority, asks: 'by path' });
    const call = axios.get(`http://127.0.0.1:${server.port}/`);
    expect(find(await failureOf(call))).toEqual(['http-on-tls-port']);
  });
});
