import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilSaid } from '../../../test/spawned.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const command = at('../bin/clientcert.mjs');
let directory: string;

beforeAll(async () => {
  execFileSync(process.execPath, [at('../../../scripts/ready.mjs'), '--built'], { stdio: 'ignore' });
  if (!existsSync(at('../../console/dist/page/index.html'))) {
    const { build } = await import('vite');
    await build({ configFile: at('../../console/page/vite.config.ts'), logLevel: 'error' });
  }
  directory = await mkdtemp(join(tmpdir(), 'clientcert-console-'));
  await writeFile(join(directory, 'clientcert.json'), '{}');
});
afterAll(() => rm(directory, { recursive: true }));

describe('clientcert console', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('prints where it is, and is gone after %s', async (signal) => {
    const child = spawn(process.execPath, [command, 'console'], { cwd: directory });
    try {
      const [line, port] = await untilSaid(
        child,
        /^http:\/\/127\.0\.0\.1:(\d+)\/[\w-]{16}\/\?token=[\w-]{43}\n/,
      );
      const response = await fetch(line.trim());
      expect([response.status, response.headers.getSetCookie()]).toEqual([
        200,
        [expect.stringContaining('HttpOnly')],
      ]);
      // A browser that stays keeps nothing going.
      const socket = connect(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      const closed = once(socket.resume(), 'close');
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([0, null]);
      await closed;
      const again = connect(Number(port), '127.0.0.1');
      await expect(once(again, 'connect')).rejects.toThrow('ECONNREFUSED');
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('says which port is taken, and nothing else', async () => {
    const child = spawn(process.execPath, [command, 'console', '--json'], { cwd: directory });
    try {
      const [, port] = await untilSaid(child, /"address": "http:\/\/127\.0\.0\.1:(\d+)\//);
      const other = spawnSync(process.execPath, [command, 'console', '--port', port!], {
        cwd: directory,
        encoding: 'utf8',
      });
      expect(other).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringContaining('another program has that port'),
      });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('says how it is installed where it is not', async () => {
    // The command alone, with what it needs, and without the screen.
    const alone = join(directory, 'alone');
    cpSync(at('../bin'), join(alone, 'bin'), { recursive: true });
    cpSync(at('../dist'), join(alone, 'dist'), { recursive: true });
    cpSync(at('../package.json'), join(alone, 'package.json'));
    for (const name of ['commander', '@inquirer/password'])
      cpSync(at(`../../../node_modules/${name}`), join(alone, 'node_modules', name), { recursive: true });
    cpSync(at('../../core'), join(alone, 'node_modules/@clientcert/core'), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, [join(alone, 'bin/clientcert.mjs'), 'console'], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('npm install --save-dev @clientcert/console'),
    ]);
  });
});
