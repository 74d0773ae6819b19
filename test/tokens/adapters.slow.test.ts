import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Config } from '@clientcert/core';
import { createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countCalls } from '../../packages/core/test/token/installed.ts';
import * as softHsm from '../../packages/core/test/token/softhsm.ts';
import * as softoken from '../../packages/core/test/token/softoken.ts';
import { signerOf } from '../../packages/soap/test/signer.ts';
import { nodeBinary } from '../../scripts/node-binary.mjs';
import { adapters as overSoap } from '../adapters/soap.ts';
import { bundle, removeBuilt } from '../bundle.mjs';
import { clients } from '../leaks/clients.ts';
import type { Found, Task } from './child.ts';

/** A way to a token, as a process is told of it. */
interface Way {
  readonly source: { readonly key: string; readonly engine?: string | undefined };
  readonly environment: NodeJS.ProcessEnv;
  readonly pin: string;
  readonly log: string;
  close(): Promise<void>;
}

const ways = [
  {
    name: 'an OpenSSL provider, with the token of NSS',
    missing: softoken.missing,
    async open(key: IssuedCertificate): Promise<Way> {
      const token = await softoken.createToken([key]);
      return {
        source: { key: 'pkcs11:token=NSS%20Certificate%20DB;object=client' },
        environment: await token.configure(),
        pin: softoken.pin,
        log: token.log,
        close: async () => token[Symbol.asyncDispose](),
      };
    },
  },
  {
    name: 'an engine, with SoftHSM',
    missing: softHsm.missing,
    async open(key: IssuedCertificate): Promise<Way> {
      const token = await softHsm.createSoftHsm([key]);
      return {
        source: { key: 'pkcs11:token=bank;object=client', engine: softHsm.engine },
        environment: token.environment,
        pin: softHsm.pin,
        log: token.log,
        close: async () => token[Symbol.asyncDispose](),
      };
    },
  },
];

/** To ask for one takes seconds. */
const binaries = new Map<string, string>();
function binaryOf(version: string): string {
  const binary = binaries.get(version) ?? nodeBinary(version);
  binaries.set(version, binary);
  return binary;
}

let child: string;
beforeAll(async () => {
  if (ways.some(({ missing }) => missing.length === 0))
    child = await bundle(fileURLToPath(new URL('child.ts', import.meta.url)));
});
afterAll(removeBuilt);

for (const { name, missing, open } of ways) {
  if (missing.length > 0)
    console.warn(`clients over ${name} are not tested: not installed are ${missing.join(', ')}`);
  describe.skipIf(missing.length > 0)(`over ${name}`, () => {
    it.each(['20', '22', '24', '26'])(
      'every client presents the certificate of a token, on Node %s',
      async (version) => {
        const authority = await createAuthority();
        const client = await authority.issue({ name: 'client', keyType: 'rsa' });
        const way = await open(client);
        await using server = await startServer({
          authority,
          clientCertificate: 'required',
          http2: true,
          // Each client calls a path of its own; SOAP takes nothing but its envelopes.
          async handler(request, response, seen) {
            const answer =
              seen.path === '/signed' ? overSoap[0]!.answer : clients[Number(seen.path.slice(1))]!.answer;
            if (answer !== undefined) return await answer(request, response, seen);
            response.end('hello');
            return true;
          },
        });
        const file = join(way.log, '..', 'client.pem');
        await writeFile(file, client.cert);
        const config: Config = {
          certificates: {
            bank: { cert: file, ...way.source, pin: { env: 'TOKEN_PIN' }, ca: authority.certificate },
          },
          hosts: { 'localhost:*': 'bank' },
          watch: false,
        };
        try {
          const { stdout, stderr } = await promisify(execFile)(
            binaryOf(version),
            [child, JSON.stringify({ config, url: `https://localhost:${server.port}` } satisfies Task)],
            {
              env: {
                ...process.env,
                ...way.environment,
                TOKEN_PIN: way.pin,
                NODE_DEBUG: 'tls,https,http',
              },
              timeout: 240_000,
              maxBuffer: 2 ** 28,
            },
          );
          const { calls, signed, health } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Found;
          expect(calls).toEqual(Object.fromEntries(clients.map((each) => [each.name, [200, 200]])));
          const paths = clients.flatMap((_, index) => [`/${index}`, `/${index}`]);
          const byPath = server.requests.filter(({ path }) => path !== '/signed');
          expect(byPath.map(({ path }) => path)).toEqual(paths);
          for (const { clientCertificate } of byPath)
            expect(clientCertificate?.serialNumber).toBe(client.serialNumber);
          expect(health).toBe('ok');
          for (const text of [stdout, stderr]) expect(text).not.toContain(way.pin);

          const messages = server.requests.filter(({ path }) => path === '/signed');
          if (way.source.engine === undefined) {
            expect(signed).toBe(200);
            expect(messages).toHaveLength(1);
            expect(signerOf(messages[0]!.body!)).toBe(client.serialNumber);
          } else {
            expect(signed).toBe('ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED');
            expect(messages).toEqual([]);
          }
          // A connection for each client at most, one signature to prove the key, and one for the message.
          expect(await countCalls(way.log, 'C_SignInit')).toBeLessThanOrEqual(clients.length + 2);
          expect(await countCalls(way.log, 'C_Login')).toBe(1);
        } finally {
          await rm(file, { force: true });
          await way.close();
        }
      },
    );
  });
}
