import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeBinary } from '../../../../scripts/node-binary.mjs';
import { buildModules } from '../built.ts';
import { engine, missing, pin, startTpm, type Tpm } from './tpm.ts';

if (missing.length > 0) console.warn(`keys in a TPM are not tested: not installed are ${missing.join(', ')}`);

const program = fileURLToPath(new URL('client.mjs', import.meta.url));

describe.skipIf(missing.length > 0)('a key in a TPM', () => {
  let built: Awaited<ReturnType<typeof buildModules>> | undefined;
  let tpm: Tpm | undefined;
  beforeAll(async () => {
    built = await buildModules('core');
    tpm = await startTpm();
  }, 120_000);
  afterAll(async () => {
    await tpm?.[Symbol.asyncDispose]();
    await built?.[Symbol.asyncDispose]();
  });

  describe.each(['20', '22', '24', '26'])('on Node %s', (version) => {
    let binary: string;
    beforeAll(() => {
      binary = nodeBinary(version);
    });

    it('signs through its PKCS#11 module and an engine', async () => {
      const environment = { PKCS11_MODULE_PATH: tpm!.module };
      const source = { key: 'pkcs11:token=bank;object=ec', pin, engine };
      const { found, seen } = await run('token', ['calls', 'connectOptions', 'said'], source, environment);
      expect(found.failed).toBeUndefined();
      const serial = serialOf('token');
      expect(seen).toEqual(['/first', '/again', '/tls12', '/connect'].map((path) => [path, serial]));
      expect(found.info).toMatchObject({ key: 'token', signedBy: 'engine' });
    });

    // OpenSSL 3.0, that of Node 20, offers TLS 1.2 no signature by the TPM.
    const steps = [...(version === '20' ? [] : ['calls']), 'connectOptions', 'signing', 'said'];
    it(`signs through a provider, as a block of PEM: ${steps.join(', ')}`, async () => {
      const source = { key: join(tpm!.directory, 'tss.key') };
      const { found, seen } = await run('tss', steps, source, { OPENSSL_CONF: tpm!.config });
      expect(found.failed).toBeUndefined();
      const serial = serialOf('tss');
      const paths = [...(version === '20' ? [] : ['/first', '/again', '/tls12']), '/connect'];
      expect(seen).toEqual(paths.map((path) => [path, serial]));
      expect(found.signed).toBe(true);
      expect(found.info).toMatchObject({ key: 'token', token: 'TPM 2.0', signedBy: 'provider' });
    });

    it('is refused with what is missing, where the provider is', async () => {
      const { found } = await run('tss', [], { key: join(tpm!.directory, 'tss.key') }, {});
      expect(found.failed).toMatchObject({ code: 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED' });
      expect(found.failed.hint).toContain('tpm2-openssl');
    });

    const serialOf = (name: string) =>
      new X509Certificate(readFileSync(join(tpm!.directory, `${name}.pem`))).serialNumber;

    async function run(
      name: 'tss' | 'token',
      steps: string[],
      source: Record<string, unknown>,
      environment: NodeJS.ProcessEnv,
    ) {
      const authority = await createAuthority();
      const { key, fullChain: cert } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'] });
      const seen: [string | undefined, string | undefined][] = [];
      const server = createServer(
        { key, cert, requestCert: true, rejectUnauthorized: false },
        (request, response) => {
          const { url, socket } = request;
          seen.push([url, (socket as TLSSocket).getPeerX509Certificate()?.serialNumber]);
          response.end();
        },
      );
      await once(server.listen(0, '127.0.0.1'), 'listening');
      try {
        const settings = {
          module: join(built!.path, 'core.mjs'),
          url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
          cert: join(tpm!.directory, `${name}.pem`),
          ca: authority.certificate,
          steps,
        };
        const { stdout } = await promisify(execFile)(
          binary,
          [program, JSON.stringify({ ...settings, ...source })],
          {
            env: { ...process.env, ...tpm!.environment, ...environment },
            timeout: 120_000,
            maxBuffer: 2 ** 26,
          },
        );
        return { found: JSON.parse(stdout), seen };
      } finally {
        server.close();
      }
    }
  });
});
