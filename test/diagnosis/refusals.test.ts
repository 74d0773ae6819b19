import { get } from 'node:https';
import { clientCertificates as certifyAxios } from '@clientcert/axios';
import {
  ClientCertificateError,
  type Credentials,
  type Diagnosis,
  diagnose,
  loadCredentials,
} from '@clientcert/core';
import { clientCertificates as certifyGot } from '@clientcert/got';
import { soapOptions } from '@clientcert/soap';
import { createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { clientCertificates as certifyUndici, createFetch } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import * as soap from 'soap';
import * as undici from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, startApache, startNginx } from '../docs/webservers.ts';

/** Nine credentials, of which a server takes the first. */
const kinds = [
  'right',
  'none',
  'untrusted',
  'expired',
  'not yet valid',
  'wrong usage',
  'revoked',
  'missing intermediate',
  'weak',
] as const;
type Kind = (typeof kinds)[number];

// OpenSSL completes what it sends from the roots it trusts: the intermediate is none of them.
const authority = await createAuthority({ intermediates: 1, name: 'Clients' });
const root = authority.parent!;
const stranger = await createAuthority({ name: 'Strangers' });
const issued: Record<Exclude<Kind, 'none'>, IssuedCertificate> = {
  right: await authority.issue({ name: 'bank' }),
  untrusted: await stranger.issue({ name: 'bank' }),
  expired: await authority.issue({ name: 'bank', expired: true }),
  'not yet valid': await authority.issue({ name: 'bank', notYetValid: true }),
  'wrong usage': await authority.issue({ name: 'bank', usage: 'server' }),
  revoked: await authority.issue({ name: 'bank' }),
  'missing intermediate': await authority.issue({ name: 'bank' }),
  weak: await authority.issue({ name: 'bank', keyType: { rsa: 1024 } }),
};
const revoked = authority.revocationLists([issued.revoked]);

async function load(kind: Kind, port: number, tls: 'TLSv1.2' | 'TLSv1.3'): Promise<Credentials> {
  const place = `127.0.0.1:${port}`;
  const ca = root.certificate;
  if (kind === 'none') return await loadCredentials({ hosts: { [place]: { ca, tls } } });
  const { cert, fullChain, key } = issued[kind];
  const sent = kind === 'missing intermediate' ? cert : fullChain;
  const credentials = await loadCredentials({
    certificates: { bank: { cert: sent, key } },
    hosts: { [place]: { certificate: 'bank', ca, tls } },
  });
  return credentials.on('warning', () => {});
}

/** Each client: an answer, or the error that it throws; an answer that is none is an error as well. */
const clients: Record<string, (credentials: Credentials, url: string) => Promise<unknown>> = {
  https: (credentials, url) =>
    new Promise((resolve, reject) => {
      get(url, { agent: credentials.agent({ keepAlive: false }) }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode, body, url });
      }).on('error', reject);
    }),
  axios: async (credentials, url) => {
    const api = axios.create({ proxy: false });
    certifyAxios(api, credentials);
    return await api.get(url);
  },
  got: async (credentials, url) => {
    return await got.extend(certifyGot(credentials))(url, { retry: { limit: 0 } });
  },
  undici: async (credentials, url) => {
    const dispatcher = new undici.Agent().compose(certifyUndici(credentials));
    const { statusCode, body } = await undici.request(url, { dispatcher });
    return { status: statusCode, body: await body.text(), url };
  },
  fetch: async (credentials, url) => {
    const response = await createFetch(credentials)(url);
    return { status: response.status, body: await response.text(), url };
  },
  soap: (credentials, url) => soap.createClientAsync(`${url}?wsdl`, soapOptions(credentials)),
};

/** Those whose errors are made by an adapter, or pass through one. */
const { https: _, undici: __, ...carrying } = clients;

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return await call.catch((error) => error);
}

/** What is said of each: on servers that send alerts, on nginx, and on those that close without a word. */
const said: Record<Kind, readonly [alerts: string, nginx: string, silent: string]> = {
  right: ['UNKNOWN', 'UNKNOWN', 'UNKNOWN'],
  none: ['NO_CLIENT_CERTIFICATE_SENT', 'NO_CLIENT_CERTIFICATE_SENT', 'NO_CLIENT_CERTIFICATE_SENT'],
  untrusted: ['ISSUER_NOT_TRUSTED_BY_SERVER', 'CLIENT_CERTIFICATE_REFUSED', 'silently'],
  expired: ['CLIENT_CERTIFICATE_EXPIRED', 'CLIENT_CERTIFICATE_EXPIRED', 'CLIENT_CERTIFICATE_EXPIRED'],
  'not yet valid': [
    'CLIENT_CERTIFICATE_NOT_YET_VALID',
    'CLIENT_CERTIFICATE_NOT_YET_VALID',
    'CLIENT_CERTIFICATE_NOT_YET_VALID',
  ],
  'wrong usage': [
    'CLIENT_CERTIFICATE_WRONG_PURPOSE',
    'CLIENT_CERTIFICATE_WRONG_PURPOSE',
    'CLIENT_CERTIFICATE_WRONG_PURPOSE',
  ],
  revoked: ['CLIENT_CERTIFICATE_REVOKED', 'CLIENT_CERTIFICATE_REFUSED', 'silently'],
  'missing intermediate': ['CLIENT_CHAIN_INCOMPLETE', 'CLIENT_CHAIN_INCOMPLETE', 'CLIENT_CHAIN_INCOMPLETE'],
  weak: ['CLIENT_CREDENTIAL_TOO_WEAK', 'CLIENT_CREDENTIAL_TOO_WEAK', 'CLIENT_CREDENTIAL_TOO_WEAK'],
};
/** What is certain where a server says it, or nothing was there to send. */
const certain: ReadonlySet<Kind> = new Set(['none', 'expired', 'wrong usage', 'revoked']);

const major = Number(process.versions.node.split('.')[0]);
const nginx = findProgram('nginx');
const apache = findProgram('apache2');
const servers = [
  { name: 'Node', says: 2, program: 'node' },
  { name: 'nginx', says: 1, program: nginx },
  { name: 'Apache', says: 0, program: apache },
] as const;

describe.each(servers)('$name', ({ says, program, name }) => {
  let server: AsyncDisposable & { readonly port: number };
  beforeAll(async () => {
    if (!program) return;
    server =
      name === 'Node'
        ? await startServer({ authority: root, crl: revoked })
        : name === 'nginx'
          ? await startNginx(program, root, { revoked })
          : await startApache(program, root, { revoked, everywhere: true });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  describe.skipIf(!program).each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (tls) => {
    it.each(kinds)('%s', async (kind) => {
      const url = `https://127.0.0.1:${server.port}/`;
      const found: Record<string, string> = {};
      const expected: Record<string, string> = {};
      for (const [client, call] of Object.entries(clients)) {
        await using credentials = await load(kind, server.port, tls);
        const failure = await failureOf(call(credentials, url));
        const diagnosis = diagnose(failure, { credentials, url });
        const silently =
          tls === 'TLSv1.2' ? 'CLIENT_CERTIFICATE_REFUSED_SILENTLY' : 'CLIENT_CERTIFICATE_PROBABLY_REFUSED';
        found[client] = diagnosis.code;
        // Node takes it before 24, as a client and as a server.
        const isTaken = kind === 'weak' && name === 'Node' && major < 24;
        expected[client] = isTaken ? 'UNKNOWN' : said[kind][says].replace('silently', silently);
        if (failure instanceof Error) {
          // Of an answer to a request for a WSDL, node-soap's error holds the text alone.
          const isAnswer = client === 'soap' && says === 1;
          const { clientCertificate: carried } = failure as { clientCertificate?: Diagnosis };
          if (!isAnswer && client in carrying) expect(carried?.code ?? 'UNKNOWN').toBe(diagnosis.code);
          expect(Object.keys(failure)).not.toContain('clientCertificate');
        }
        if (diagnosis.confidence === 'certain')
          expect([kind, isCertain(kind, says, failure)]).toEqual([kind, true]);
      }
      expect(found).toEqual(expected);
    });
  });
});

/** Where this Node refuses to present a weak certificate, that is certain as well. */
function isCertain(kind: Kind, says: number, failure: unknown): boolean {
  if (ClientCertificateError.from(failure)) return true;
  return certain.has(kind) && (says === 0 || kind === 'none');
}
