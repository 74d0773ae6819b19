import { get } from 'node:https';
import { type Credentials, diagnose, loadCredentials } from '@clientcert/core';
import { describe, it } from 'vitest';
import type { Call } from '../diagnosis/clients.ts';
import { type Kind, load, revoked, root, type Version } from '../diagnosis/credentials.ts';
import { reasons } from '../diagnosis/reasons.ts';
import { clients, clientsOverHttp2 } from './clients.ts';
import { servers, titleOf } from './index.ts';
import type { Listening, RealServer, Seen } from './launch.ts';
import { note } from './results.ts';
import { waitForLog } from './waiting.ts';

// IIS does the same; it is not to be had here.
describe.concurrent('a server that asks for a certificate below /private alone', () => {
  for (const server of servers.filter(({ asks }) => asks.includes('by path'))) {
    it.skipIf(!server.program)(titleOf(server), { timeout: 600_000 }, async ({ expect }) => {
      await using running = await server.start({ authority: root, revoked, asks: 'by path' });
      const trial = new Trial(server, running);
      for (const [client, send] of Object.entries(clients)) {
        // TLS 1.2: it asks again, on the connection that served without.
        const right = await trial.call('right', 'TLSv1.2', send);
        expect([client, right.publicly, right.privately]).toEqual([client, 'UNKNOWN', 'UNKNOWN']);
        expect([client, ...right.seen]).toEqual([client, { ...one, name: '' }, one]);
        const expired = await trial.call('expired', 'TLSv1.2', send, reasons.expired);
        expect([client, expired.privately]).toEqual([client, 'CLIENT_CERTIFICATE_EXPIRED']);
        const none = await trial.call('none', 'TLSv1.2', send, reasons.none);
        expect([client, none.privately]).toEqual([client, 'NO_CLIENT_CERTIFICATE_SENT']);
        // TLS 1.3: it cannot, and the user is told so.
        const newer = await trial.call('right', 'TLSv1.3', send);
        expect([client, newer.publicly, newer.privately]).toEqual([
          client,
          'UNKNOWN',
          'SERVER_WANTED_POST_HANDSHAKE_AUTH',
        ]);
        expect([client, ...newer.seen]).toEqual([client, { ...one, tls: 'TLSv1.3', name: '' }]);
        // Who insists on a certificate sends no request without.
        const required = await trial.call('right', 'TLSv1.2', send, undefined, true);
        expect([client, required.publicly, required.privately]).toEqual([client, notRequested, notRequested]);
        expect([client, ...required.seen]).toEqual([client]);
      }
      for (const [client, send] of Object.entries(clientsOverHttp2)) {
        if (client === 'got') continue; // speaks HTTP/1.1
        const { privately, seen } = await trial.call('right', 'TLSv1.2', send);
        expect([client, privately]).toEqual([client, 'SERVER_WANTS_RENEGOTIATION_HTTP1_ONLY']);
        expect([client, ...seen]).toEqual([client, { ...one, http: 'HTTP/2.0', name: '' }]);
      }
      // Once asked, a kept connection stays whose it is.
      const names = await callAsServices(server, running);
      expect(names).toEqual(['', '', 'bank', 'tax', 'bank', 'tax', 'bank', 'tax']);
      note(server, 'by path', trial.calls + names.length);
    });
  }
});

/** Calls both paths as two services, in turn, on kept connections, and returns whom the server saw. */
async function callAsServices(server: RealServer, running: Listening): Promise<string[]> {
  const place = `127.0.0.1:${running.port}`;
  const [bank, tax] = await Promise.all(['bank', 'tax'].map((name) => root.issue({ name })));
  await using credentials = await loadCredentials({
    certificates: { bank: { cert: bank!.cert, key: bank!.key }, tax: { cert: tax!.cert, key: tax!.key } },
    hosts: { [place]: { ca: root.certificate, tls: 'TLSv1.2' } },
    services: {
      Payments: { certificate: 'bank', hosts: [place] },
      Returns: { certificate: 'tax', hosts: [place] },
    },
  });
  credentials.on('warning', () => {});
  const before = running.log().length;
  const agents = [credentials.agent({ service: 'Payments' }), credentials.agent({ service: 'Returns' })];
  for (const path of ['public', 'private', 'public', 'private']) {
    for (const agent of agents) {
      await new Promise((resolve, reject) => {
        get(`https://${place}/${path}/index.html`, { agent }, (response) =>
          response.resume().on('end', resolve),
        ).on('error', reject);
      });
    }
  }
  const namesIn = (log: string) => server.read(log).map(({ name }) => name);
  await waitForLog(running, before, (log) => namesIn(log).length === 8, 'services');
  return namesIn(running.log().slice(before));
}

const one: Seen = { tls: 'TLSv1.2', name: 'bank', http: 'HTTP/1.1' };
const notRequested = 'ERR_CLIENTCERT_NOT_REQUESTED';

/** Calls a public path and then a private one, with the same credentials. */
class Trial {
  calls = 0;
  readonly #server: RealServer;
  readonly #running: Listening;

  constructor(server: RealServer, running: Listening) {
    this.#server = server;
    this.#running = running;
  }

  /** @param why What the server has to write of a refusal; whom it serves it says anyhow. */
  async call(kind: Kind, tls: Version, send: Call, why?: RegExp, required = false) {
    const before = this.#running.log().length;
    await using credentials = await load(kind, this.#running.port, tls, { required });
    const publicly = await this.#codeOf(credentials, send, 'public');
    const privately = await this.#codeOf(credentials, send, 'private');
    const served = [publicly, privately].filter((code) => code === 'UNKNOWN').length;
    const isThere = (log: string) =>
      this.#server.read(log).length >= served && (why === undefined || why.test(log));
    await waitForLog(this.#running, before, isThere, `${kind}, ${tls}`);
    return { publicly, privately, seen: this.#server.read(this.#running.log().slice(before)) };
  }

  async #codeOf(credentials: Credentials, send: Call, path: string): Promise<string> {
    this.calls++;
    const url = `https://127.0.0.1:${this.#running.port}/${path}/index.html`;
    const answer: unknown = await send(credentials, url).catch((error: unknown) => error);
    return diagnose(answer, { credentials, url }).code;
  }
}
