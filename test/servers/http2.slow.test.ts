import { diagnose } from '@clientcert/core';
import { describe, it } from 'vitest';
import { type Kind, load, revoked, root } from '../diagnosis/credentials.ts';
import { reasons } from '../diagnosis/reasons.ts';
import { clientsOverHttp2 } from './clients.ts';
import { servers, titleOf } from './index.ts';
import { note } from './results.ts';
import { waitForLog } from './waiting.ts';

/** What each has to say of what it does not take. */
const codes = { none: 'NO_CLIENT_CERTIFICATE_SENT', expired: 'CLIENT_CERTIFICATE_EXPIRED' } as const;

describe.concurrent('HTTP/2', () => {
  for (const server of servers.filter(({ http2 }) => http2)) {
    it.skipIf(!server.program)(titleOf(server), { timeout: 600_000 }, async ({ expect }) => {
      await using running = await server.start({ authority: root, revoked });
      const url = `https://127.0.0.1:${running.port}/private/index.html`;
      let calls = 0;
      for (const tls of ['TLSv1.2', 'TLSv1.3'] as const) {
        for (const [client, send] of Object.entries(clientsOverHttp2)) {
          const http = client === 'got' ? 'HTTP/1.1' : 'HTTP/2.0';
          const call = async (kind: Kind, isThere: (log: string) => boolean) => {
            await using credentials = await load(kind, running.port, tls);
            const before = running.log().length;
            const answer: unknown = await send(credentials, url).catch((error: unknown) => error);
            await waitForLog(running, before, isThere, `${client}, ${kind}, ${tls}`);
            calls++;
            return { answer, code: diagnose(answer, { credentials, url }).code };
          };
          const isServed = (log: string) =>
            server.read(log).some((seen) => seen.name === 'bank' && seen.tls === tls && seen.http === http);
          expect((await call('right', isServed)).answer).not.toBeInstanceOf(Error);
          for (const kind of ['none', 'expired'] as const) {
            const { code } = await call(kind, (log) => reasons[kind].test(log));
            expect([client, tls, code]).toEqual([client, tls, codes[kind]]);
          }
        }
      }
      note(server, 'HTTP/2', calls);
    });
  }
});
