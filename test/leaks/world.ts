import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import type { Http2ServerRequest } from 'node:http2';
import type { CertificateSource, Config } from '@clientcert/core';
import {
  type IssuedCertificate,
  type RequestHandler,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import { adapters as overSoap } from '../adapters/soap.ts';

/** Certificates with their keys, as PEM. */
export interface Materials {
  readonly ca: string;
  readonly server: Pem;
  readonly alice: Pem;
  /** alice's next one. */
  readonly renewed: Pem;
  readonly expired: Pem;
  readonly bob: Pem;
  readonly carol: Pem;
}

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** Every host there is. Rules name some of them; the others look as if they did. */
export const hosts = [
  'api.bank.example',
  'pay.bank.example',
  'www.bank.example',
  'status.bank.example',
  'deep.api.bank.example',
  'bank.example',
  'api.bank.example.evil.example',
  'notbank.example',
  'tax.example',
  'partner.example',
  'news.example',
] as const;

export const versions = ['TLSv1.2', 'TLSv1.3'] as const;
export const protocols = ['HTTP/1.1', 'HTTP/2'] as const;

/** Two ports that speak one version of TLS, and offer HTTP/2 or do not. */
export interface Site {
  readonly tls: (typeof versions)[number];
  readonly http: (typeof protocols)[number];
  readonly ports: readonly number[];
}

/** What a server saw of one hop. */
export interface Arrival {
  readonly hop: number;
  /** The common name, `null` for none. */
  readonly who: string | null;
  readonly fingerprint: string | null;
  readonly tls: string | null;
  readonly http: string;
  readonly pool: 'kept' | 'new' | 'resumed' | 'plain';
}

export const ways = [
  'no proxy',
  'http proxy',
  'https proxy without a rule',
  'https proxy with a rule',
  'https proxy with its own',
] as const;
export type Way = (typeof ways)[number];

export interface World extends AsyncDisposable {
  readonly materials: Materials;
  readonly sites: readonly Site[];
  readonly plainPort: number;
  /** By the call's id. */
  readonly arrivals: Map<number, Arrival[]>;
  readonly proxies: Readonly<Record<Exclude<Way, 'no proxy'>, { proxy: TestProxy; host: string }>>;
  config(options?: { fallback?: boolean; way?: Way; alice?: CertificateSource }): Config;
  /** Where such a proxy is, as its client knows it. */
  proxyUrl(way: Exclude<Way, 'no proxy'>): string;
}

export async function createWorld(materials: Materials): Promise<World> {
  const restore = resolveToLoopback();
  const arrivals = new Map<number, Arrival[]>();
  const known = new Set<string>();
  const servers: TestServer[] = [];

  const handler =
    (index: number): RequestHandler =>
    async (request, response, seen) => {
      servers[index]!.requests.length = 0;
      const query = new URL(seen.url).searchParams;
      const connection = `${index} ${seen.connection}`;
      const pool = known.has(connection) ? 'kept' : seen.resumed ? 'resumed' : 'new';
      known.add(connection);
      const id = Number(query.get('id'));
      const list = arrivals.get(id) ?? [];
      arrivals.set(id, list);
      list.push({
        hop: Number(query.get('hop')),
        who: seen.clientCertificate?.commonName ?? null,
        fingerprint: seen.clientCertificate?.fingerprint256 ?? null,
        tls: seen.protocol,
        http: seen.httpVersion === '2.0' ? 'HTTP/2' : 'HTTP/1.1',
        pool: seen.protocol === null ? 'plain' : pool,
      });
      if (query.has('close')) {
        const { stream } = request as unknown as Http2ServerRequest;
        if (stream) response.once('finish', () => stream.session?.close());
        else response.setHeader('connection', 'close');
      }
      const isSoap =
        `${request.headers['content-type']}`.startsWith('text/xml') ||
        request.headers['user-agent']?.startsWith('node-soap');
      return isSoap ? await overSoap[0]!.answer!(request, response, seen) : false;
    };

  const certificate = { fullChain: materials.server.cert, key: materials.server.key } as IssuedCertificate;
  const shared = {
    certificate,
    ca: materials.ca,
    clientCertificate: 'optional',
    keepAliveTimeout: 60_000,
  } as const;
  const sites: Site[] = [];
  for (const tls of versions) {
    for (const http of protocols) {
      const http2 = http === 'HTTP/2';
      const server = await startServer({
        ...shared,
        tls,
        http2,
        listeners: [{}, {}],
        handler: handler(servers.length),
      });
      servers.push(server);
      sites.push({ tls, http, ports: server.ports });
    }
  }
  const plain = await startServer({ tls: false, handler: handler(servers.length) });
  servers.push(plain);
  const overTls = { certificate, ca: materials.ca, tls: true, clientCertificate: 'optional' } as const;
  const proxies = {
    'http proxy': { proxy: await startProxy(), host: 'proxy.example' },
    'https proxy without a rule': { proxy: await startProxy(overTls), host: 'proxy.example' },
    'https proxy with a rule': { proxy: await startProxy(overTls), host: 'gate.example' },
    'https proxy with its own': { proxy: await startProxy(overTls), host: 'gate.example' },
  };
  const proxyUrl = (way: Exclude<Way, 'no proxy'>) => {
    const { proxy, host } = proxies[way];
    return `${new URL(proxy.url).protocol}//${host}:${proxy.port}`;
  };

  return {
    materials,
    sites,
    plainPort: plain.port,
    arrivals,
    proxies,
    proxyUrl,
    config({ fallback = false, way = 'no proxy', alice = materials.alice } = {}) {
      const [first, second] = [0, 1].map((index) => sites.map(({ ports }) => ports[index]!));
      const at = <Pin>(host: string, ports: readonly number[], pin: Pin) =>
        Object.fromEntries(ports.map((port) => [`${host}:${port}`, pin]));
      const url = way === 'no proxy' ? null : proxyUrl(way);
      return {
        certificates: { alice, bob: materials.bob, carol: materials.carol },
        hosts: {
          ...at('api.bank.example', first!, 'alice'),
          ...at('api.bank.example', second!, 'bob'),
          ...at('*.bank.example', first!, 'bob'),
          'pay.bank.example:*': 'carol',
          'status.bank.example': false,
          'tax.example:*': { certificate: 'bob', allowDowngrade: true },
          'partner.example:*': { ca: materials.ca },
          'gate.example:*': 'carol',
        },
        services: {
          Invoices: {
            certificate: 'bob',
            hosts: [...first!.map((port) => `api.bank.example:${port}`), 'pay.bank.example:*'],
          },
          Orders: { certificate: 'alice', hosts: ['*.bank.example:*'] },
          Archive: 'carol',
          Quiet: { certificate: false, hosts: ['api.bank.example:*'] },
        },
        ...(fallback && { default: 'carol' }),
        proxy: url === null ? false : way === 'https proxy with its own' ? { url, certificate: 'bob' } : url,
        watch: false,
      };
    },
    async [Symbol.asyncDispose]() {
      restore();
      await Promise.all(
        [...servers, ...Object.values(proxies).map(({ proxy }) => proxy)].map((each) => each.close()),
      );
    },
  };
}

/** All of `.example` is on this machine: in this process alone, and for every client, whose sockets ask Node. */
function resolveToLoopback(): () => void {
  const { lookup } = dns;
  const known = { address: '127.0.0.1', family: 4 };
  dns.lookup = ((host: string, options: unknown, given?: unknown) => {
    const done = (given ?? options) as (error: null, address: unknown, family?: number) => void;
    if (!host.endsWith('.example')) return (lookup as (...all: unknown[]) => void)(host, options, given);
    const { all = false } = typeof options === 'object' && options ? (options as { all?: boolean }) : {};
    process.nextTick(() => (all ? done(null, [known]) : done(null, known.address, known.family)));
  }) as typeof dns.lookup;
  return () => {
    dns.lookup = lookup;
  };
}

export function readMaterials(path: string): Materials {
  return JSON.parse(readFileSync(path, 'utf8'));
}
