import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { engines } from '../../../scripts/engines.mjs';
import type { VaultLogin } from '../src/index.ts';
import { startBank } from './ground.ts';
import { servers, setUp, startVault, type Vault } from './real-engine.ts';

/** How often the agent has a certificate issued, the first time included. */
const versions = 3;
/** Within how many milliseconds a file is in use from when it was written, on a busy machine. */
const bound = 10_000;

for (const [name, program] of servers) {
  describe.skipIf(!existsSync(program))(`the agent of ${name}`, () => {
    it('writes one file again and again: no request fails, and each is presented in time', async () => {
      const authority = await createAuthority();
      const vault = await startVault(program);
      const folder = await mkdtemp(join(tmpdir(), 'clientcert-agent-'));
      let agent: ChildProcess | undefined;
      try {
        const { approle } = await setUp(vault);
        const file = join(folder, 'bank.pem');
        agent = await startAgent(program, vault, approle!, folder, file);
        await expect.poll(() => existsSync(file)).toBe(true);
        await using bank = await startBank(authority, vault.root);
        await using credentials = await loadCredentials({
          certificates: { bank: { cert: file } },
          hosts: { 'localhost:*': { certificate: 'bank', ca: authority.certificate } },
        });
        const errors: Error[] = [];
        const delays: number[] = [];
        const checks: Promise<void>[] = [];
        credentials.on('expiring', () => {}).on('warning', () => {});
        credentials.on('error', (error) => errors.push(error));
        credentials.on('rotate', () => {
          const now = Date.now();
          checks.push(stat(file).then(({ mtimeMs }) => void delays.push(now - mtimeMs)));
        });
        const until = Date.now() + 180_000;
        while (delays.length < versions - 1 && Date.now() < until) {
          await bank.call(credentials);
          await pause(20);
        }
        await bank.call(credentials);
        await Promise.all(checks);
        expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(versions);
        expect(new Set(bank.seen.map(({ subject }) => subject))).toEqual(new Set(['CN=me.example']));
        expect(errors).toEqual([]);
        expect(Math.max(...delays)).toBeLessThan(bound);
        expect((await stat(file)).mode & 0o777).toBe(0o440);
      } finally {
        if (agent?.kill()) await once(agent, 'exit');
        await vault.stop();
        await rm(folder, { recursive: true });
      }
    }, 240_000);
  });
}

/** The agent of a pod, with the template of `examples/kubernetes/vault-agent.yaml`. */
async function startAgent(
  program: string,
  vault: Vault,
  login: VaultLogin,
  folder: string,
  file: string,
): Promise<ChildProcess> {
  if (login.method !== 'approle') throw new Error('the agent is to log in by AppRole');
  const [roleId, secretId] = [join(folder, 'role-id'), join(folder, 'secret-id')];
  await writeFile(roleId, String(login.roleId));
  await writeFile(secretId, String(login.secretId));
  const manifest = new URL('../../../examples/kubernetes/vault-agent.yaml', import.meta.url);
  const template = /\{\{- with pkiCert[\s\S]*?\{\{- end \}\}/.exec(readFileSync(manifest, 'utf8'))![0];
  const contents = template
    .replace(/\{\{ range \.CAChain.*?end \}\}/, program === engines.openBao ? '{{ .CA }}' : '$&') // it has no chain
    .replace('pki/issue/bank-client', 'clients/issue/agent')
    .replace('my-service.example', 'me.example')
    // It is renewed at nine tenths: six seconds are left.
    .replace('ttl=72h', 'ttl=60s');
  const config = join(folder, 'agent.json');
  await writeFile(
    config,
    JSON.stringify({
      vault: { address: vault.url },
      auto_auth: {
        method: [
          {
            type: 'approle',
            config: {
              role_id_file_path: roleId,
              secret_id_file_path: secretId,
              remove_secret_id_file_after_reading: false,
            },
          },
        ],
      },
      template: [{ contents, destination: file, perms: '0440' }],
    }),
  );
  return spawn(program, ['agent', `-config=${config}`], {
    stdio: 'ignore',
    cwd: folder,
  });
}
