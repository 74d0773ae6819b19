import { diagnose } from '@clientcert/core';
import { describe, it } from 'vitest';
import type { Call } from '../diagnosis/clients.ts';
import { type Kind, load, revoked, root } from '../diagnosis/credentials.ts';
import { reasons } from '../diagnosis/reasons.ts';
import { clients } from './clients.ts';
import { servers, titleOf } from './index.ts';
import { note } from './results.ts';
import { waitForLog } from './waiting.ts';

describe.concurrent('a server that asks for a certificate, and serves who has none', () => {
  for (const server of servers.filter(({ asks }) => asks.includes('optional'))) {
    it.skipIf(!server.program)(titleOf(server), { timeout: 600_000 }, async ({ expect }) => {
      await using running = await server.start({ authority: root, revoked, asks: 'optional' });
      const url = `https://127.0.0.1:${running.port}/private/index.html`;
      let calls = 0;
      for (const tls of ['TLSv1.2', 'TLSv1.3'] as const) {
        const call = async (kind: Kind, client: string, send: Call, isThere: (log: string) => boolean) => {
          await using credentials = await load(kind, running.port, tls, { required: kind === 'right' });
          const before = running.log().length;
          const answer: unknown = await send(credentials, url).catch((error: unknown) => error);
          await waitForLog(running, before, isThere, `${client}, ${kind}, ${tls}`);
          calls++;
          return { answer, diagnosis: diagnose(answer, { credentials, url }) };
        };
        const sees = (name: string) => (log: string) =>
          server.read(log).some((seen) => seen.name === name && seen.tls === tls);
        for (const [client, send] of Object.entries(clients)) {
          expect((await call('right', client, send, sees('bank'))).answer).toMatchObject(served(client));
          expect((await call('none', client, send, sees(''))).answer).toMatchObject(served(client));
        }
        // It need not come, but what comes is looked at.
        const isRefused = (log: string) => reasons.expired.test(log);
        const { diagnosis } = await call('expired', 'https', clients.https, isRefused);
        expect(diagnosis.code).toBe('CLIENT_CERTIFICATE_EXPIRED');
      }
      note(server, 'optional', calls);
    });
  }
});

function served(client: string): object {
  return client === 'got' ? { statusCode: 200 } : { status: 200 };
}
