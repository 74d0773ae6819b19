import { ClientCertificateError, type Diagnosis, diagnose } from '@clientcert/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apache } from '../servers/apache.ts';
import type { Listening } from '../servers/launch.ts';
import { nginx } from '../servers/nginx.ts';
import { node } from '../servers/node.ts';
import { clients } from './clients.ts';
import { type Kind, kinds, load, revoked, root } from './credentials.ts';

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
const servers = [
  { ...node, says: 2 },
  { ...nginx, says: 1 },
  { ...apache, says: 0 },
] as const;

describe.each(servers)('$name', ({ says, program, name, start }) => {
  let server: Listening;
  beforeAll(async () => {
    if (program) server = await start({ authority: root, revoked });
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
