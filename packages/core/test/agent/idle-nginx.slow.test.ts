import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/spawned.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
});

const pin = (port: number) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: 'alice', [`localhost:${port}`]: 'alice' },
  });

const nginx = (() => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!nginx)('nginx, which does not say how long it waits (skipped where there is none)', () => {
  it('is never met in the moment in which it closes', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-nginx-'));
    const files = await (
      await authority.issue({ name: 'server', hosts: ['127.0.0.1', 'localhost'], usage: 'server' })
    ).files(directory);
    await writeFile(join(directory, 'root.pem'), authority.certificate);
    const port = await freePort();
    await writeFile(
      join(directory, 'nginx.conf'),
      `daemon off; pid ${directory}/pid; error_log stderr; worker_processes 1;
       events {}
       http {
         access_log off; keepalive_timeout 5s; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
         fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
         server {
           listen 127.0.0.1:${port} ssl; ssl_certificate ${files.cert}; ssl_certificate_key ${files.key};
           ssl_client_certificate ${directory}/root.pem; ssl_verify_client on;
           location / { return 200 $ssl_client_s_dn; }
         }
       }`,
    );
    const server = spawn('nginx', ['-e', 'stderr', '-c', join(directory, 'nginx.conf')], { stdio: 'ignore' });
    try {
      await using credentials = await pin(port);
      const url = `https://127.0.0.1:${port}/`;
      const agent = credentials.agent();
      await expect
        .poll(
          () =>
            get(url, { agent }).then(
              ({ body }) => body,
              () => '',
            ),
          { timeout: 10_000 },
        )
        .toBe('CN=alice');
      // Twenty connections, each asked again around the five seconds.
      const calls = Array.from({ length: 20 }, async (_, each) => {
        const own = credentials.agent();
        await get(url, { agent: own });
        await new Promise((resolve) => setTimeout(resolve, 4_980 + each * 2));
        await get(url, { agent: own, headers: { connection: 'close' } });
      });
      const outcomes = await Promise.allSettled(calls);
      expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
      agent.destroy();
    } finally {
      const ended = new Promise((resolve) => server.once('close', resolve));
      server.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    }
  }, 60_000);
});
