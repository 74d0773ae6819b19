import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../../core/test/load/manifest.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = spawnSync('python3', ['-c', 'import pty, os; os.waitstatus_to_exitcode']).status === 0;
const store = fixture('jks/keypass.jks');

let directory: string;
let bank: string;
beforeAll(async () => {
  execFileSync(process.execPath, [at('../../../scripts/ready.mjs'), '--built'], { stdio: 'ignore' });
  directory = await mkdtemp(join(tmpdir(), 'clientcert-terminal-'));
  bank = join(directory, 'bank.pfx');
  const certificate = await (await createAuthority()).issue({ name: 'bank' });
  await writeFile(bank, await certificate.pfx('secret'), { mode: 0o600 });
});
afterAll(() => rm(directory, { recursive: true }));

const command = (...args: string[]) => [process.execPath, at('../bin/clientcert.mjs'), ...args];

/** Types each answer when its question stands on the terminal; what was shown, and how the command ended. */
function type(steps: [question: string, answer: string][], ...args: string[]) {
  const all = [at('terminal.py'), JSON.stringify(steps), ...command(...args)];
  const env = { ...process.env, TERM: 'xterm' };
  const { status, stdout } = spawnSync('python3', all, { encoding: 'utf8', env });
  return { status, shown: stdout };
}

describe.skipIf(!python)('the shipped command on a real terminal (skipped where python3 is not)', () => {
  it('asks again where the passphrase was wrong, and shows none', () => {
    const { status, shown } = type(
      [
        ['Passphrase of', 'not this one\r'],
        ['(that was wrong)', 'secret\r'],
      ],
      'inspect',
      bank,
    );
    expect({ status, shown }).toMatchObject({ status: 0, shown: expect.stringContaining('CN=bank') });
    expect(shown).not.toMatch(/not this one|secret/);
  });

  it('asks for the passphrase of a key in a Java store, and shows it in the lines to paste', () => {
    const { status, shown } = type(
      [
        ['Passphrase of', 'changeit\r'],
        ['Passphrase of the key', 'not this one\r'],
        ['(that was wrong)', 'keypass2\r'],
      ],
      'inspect',
      store,
    );
    expect({ status, shown }).toMatchObject({ status: 0, shown: expect.stringContaining('CN=') });
    expect(shown).toMatch(/To use it.*passphrase: .*keyPassphrase: /s);
    expect(shown).not.toMatch(/changeit|not this one|keypass2/);
  });

  it('says what it is at, and leaves nothing of it', async () => {
    // The kernel takes the connection, and nobody answers.
    await using silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const { status, shown } = type([], 'probe', `https://127.0.0.1:${port}`, '--timeout', '2.5');
    expect(status).toBe(1);
    const erased = '\r\x1b[2K';
    const lines = shown.split(erased);
    expect(lines.slice(0, -1)).toEqual([
      '',
      ...lines.slice(1, -1).map(() => expect.stringMatching(/^Asking /)),
    ]);
    expect(lines.at(-2)).toBe(`Asking 127.0.0.1:${port} … 2 s`);
    expect(lines.at(-1)).not.toContain('Asking');
  });

  it.each(['inspect', 'convert'])(
    'Ctrl-C at the prompt of %s ends it with 130 and without a stack',
    (name) => {
      const out = join(directory, 'bank.pem');
      const args = name === 'convert' ? [name, bank, '--to', 'pem', '--out', out] : [name, bank];
      const { status, shown } = type([['Passphrase of', '\x03']], ...args);
      expect(status).toBe(130);
      expect(shown).not.toMatch(/Error|\n\s+at /);
    },
  );
});

describe('--passphrase-file -', () => {
  const read = (input: string, ...args: string[]) => {
    const [node, ...rest] = command(...args);
    return spawnSync(node!, rest, { input, encoding: 'utf8' });
  };

  it.each(['secret', 'secret\n', 'secret\r\n'])('reads %j from standard input', (input) => {
    const { status, stdout } = read(input, 'inspect', bank, '--passphrase-file', '-');
    expect([status, stdout]).toEqual([0, expect.stringContaining('CN=bank')]);
  });

  it('is an error where that is wrong: nobody can be asked', () => {
    const { status, stdout, stderr } = read('wrong\n', 'inspect', bank, '--passphrase-file', '-');
    expect([status, stdout + stderr]).toEqual([1, expect.stringContaining('passphrase is wrong')]);
  });

  it('serves the store and its key where both are read from it', () => {
    const both = ['--passphrase-file', '-', '--key-passphrase-file', '-'];
    const { status, stdout } = read('changeit\n', 'inspect', fixture('jks/rsa.jks'), ...both);
    expect([status, stdout]).toEqual([0, expect.stringContaining('CN=')]);
  });
});

it('whose reader has gone, as of `| head`, the command ends as it would have', async () => {
  const [node, ...rest] = command('inspect', store, '--help');
  const child = spawn(node!, rest);
  child.stdout.destroy();
  let told = '';
  child.stderr.on('data', (chunk) => {
    told += chunk;
  });
  const [status] = await once(child, 'close');
  expect([status, told]).toEqual([0, '']);
});
