import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeBinary } from '../../../../scripts/node-binary.mjs';
import { buildModules } from '../built.ts';
import { countCalls } from './installed.ts';
import { createSoftHsm, missingBehindServer as missing, pin, serve } from './softhsm.ts';

if (missing.length > 0)
  console.warn(`tokens behind p11-kit are not tested: not installed are ${missing.join(', ')}`);

const program = fileURLToPath(new URL('client.mjs', import.meta.url));

describe.skipIf(missing.length > 0)('a token in another process (p11-kit server)', () => {
  let built: Awaited<ReturnType<typeof buildModules>>;
  beforeAll(async () => {
    built = await buildModules('core');
  });
  afterAll(() => built?.[Symbol.asyncDispose]());

  it.each(['20', '22', '24', '26'])(
    'on Node %s: signs through a provider; once it is gone, its PIN is not tried for further contexts',
    async (version) => {
      const authority = await createAuthority();
      const client = await authority.issue({ name: 'client', keyType: 'ec' });
      await using token = await createSoftHsm([client]);
      await using server = await startServer({ authority, clientCertificate: 'required' });
      await using served = await serve(token);
      const cert = join(token.directory, 'client.pem');
      await writeFile(cert, client.cert);
      const settings = {
        module: join(built.path, 'core.mjs'),
        url: server.url,
        cert,
        ca: authority.certificate,
        key: 'pkcs11:token=bank;object=client',
        pin: { file: token.password },
        server: served.pid,
        steps: ['calls', 'signing', 'gone'],
      };
      const env = { ...process.env, ...served.environment, NODE_DEBUG: 'tls,https' };
      const { stdout, stderr } = await promisify(execFile)(
        nodeBinary(version),
        [program, JSON.stringify(settings)],
        { env, timeout: 120_000, maxBuffer: 2 ** 26 },
      );
      const found = JSON.parse(stdout);
      expect(found.failed).toBeUndefined();
      expect(found.signed).toBe(true);
      const seen = server.requests.map(({ path, clientCertificate }) => [
        path,
        clientCertificate?.serialNumber,
      ]);
      expect(seen).toEqual(['/first', '/again', '/tls12'].map((path) => [path, client.serialNumber]));
      for (const { code } of found.gone) expect(code).toMatch(/^ERR_CLIENTCERT_(?:TOKEN_|PIN_WRONG)/);
      expect(found.gone).toHaveLength(4);
      expect(await countCalls(token.log, 'C_Login')).toBe(1);
      for (const text of [stdout, stderr]) expect(text).not.toContain(pin);
      await rm(cert);
    },
  );
});
