import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../src/index.ts';
import { colours } from '../src/paint.ts';
import { clientcert, json } from './run.ts';

const COMMANDS = [
  'inspect',
  'check',
  'explain',
  'probe',
  'convert',
  'csr',
  'import',
  'export',
  'migrate',
  'tokens',
  'demo',
  'completion',
];

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-line-'));
  const alice = await (await createAuthority()).issue({ name: 'alice' });
  await writeFile(at('alice.pem'), alice.cert + alice.key, { mode: 0o600 });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(() => rm(directory, { recursive: true }));

/** What commander itself prints. */
async function printed(...args: string[]) {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const code = await run(args);
  const result = { code, out: out.mock.calls.join(''), err: err.mock.calls.join('') };
  vi.restoreAllMocks();
  return result;
}

describe('the command line', () => {
  it.each(COMMANDS)('%s --help has examples, exit codes, and 80 columns', async (name) => {
    const { code, out } = await printed(name, '--help');
    expect(code).toBe(0);
    expect(out).toMatch(/\$ clientcert|throwaway/);
    expect(out).toContain('Exit code:');
    const prose = out.split('\n').filter((line) => !/^ {2}[$#]/.test(line));
    expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('suggests what was meant', async () => {
    for (const [args, meant] of [
      [['porbe', 'x'], 'probe'],
      [['convert', 'x', '--too', 'pem'], '--to'],
      [['convert', 'x', '--to', 'pkcs'], 'pfx-legacy'],
    ] as const) {
      const { code, out, err } = await printed(...args);
      expect([code, out, err]).toEqual([1, '', expect.stringContaining(meant)]);
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
    expect((await printed('\u001b[2J')).err).not.toMatch(/\x1b/);
  });

  it('colours on a terminal alone, unless told otherwise', () => {
    const terminal = { isTTY: true };
    expect(colours(terminal, {})).toBe(true);
    expect(colours({}, {})).toBe(false);
    expect(colours(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(colours(terminal, { NO_COLOR: '' })).toBe(true);
    expect(colours(terminal, { TERM: 'dumb' })).toBe(false);
    expect(colours({}, { FORCE_COLOR: '1' })).toBe(true);
    expect(colours(terminal, { FORCE_COLOR: '0' })).toBe(false);
  });

  it('lays coloured text out as it does plain text', async () => {
    const plain = (await clientcert('inspect', at('alice.pem'))).out;
    vi.stubEnv('FORCE_COLOR', '1');
    const out = vi.spyOn(console, 'log').mockImplementation(() => {});
    await run(['inspect', at('alice.pem')]);
    const coloured = out.mock.calls.join('\n');
    expect(coloured).not.toBe(plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(plain);
  });

  it('shows no stack unless --debug asks for it', async () => {
    const broken = () => {
      throw new TypeError('out of order\u001b[2J');
    };
    for (const debug of [false, true]) {
      vi.spyOn(console, 'log').mockImplementation(broken);
      const err = vi.spyOn(console, 'error').mockImplementation(() => {});
      const code = await run(['inspect', at('alice.pem'), ...(debug ? ['--debug'] : [])]);
      const text = err.mock.calls.join('\n');
      vi.restoreAllMocks();
      expect([code, text.includes('at '), text.includes('\u001b[2J')]).toEqual([1, debug, false]);
      expect(text).toContain('out of order');
    }
  });

  it.each(['bash', 'zsh', 'fish'])('completes every command and its options in %s', async (shell) => {
    const { out } = await clientcert('completion', shell);
    for (const name of [...COMMANDS, 'passphrase-env', 'pfx-legacy', 'playwright'])
      expect(out).toContain(name);
    expect(out).not.toContain('demo-calls');
  });
});

describe('check', () => {
  const config = async (value: object) => {
    await writeFile(
      at('clientcert.json'),
      JSON.stringify({ certificates: { bank: { cert: 'alice.pem' } }, ...value }),
    );
    return at('clientcert.json');
  };

  it('finds rules that are wider than they should be', async () => {
    const codes = async (value: object) =>
      (await json('check', await config(value))).warnings
        .map(({ code }: { code: string }) => code)
        .filter((code: string) => code.startsWith('RULE'));
    expect(await codes({ default: 'bank' })).toEqual(['RULE_WIDE']);
    expect(await codes({ hosts: { '*.corp': 'bank' } })).toEqual(['RULE_WIDE']);
    expect(
      await codes({
        hosts: { '*.bank.example': 'bank', 'api.bank.example:*': 'bank', '[::1]:8443': 'bank' },
      }),
    ).toEqual([]);
  });

  it('is fit for a register', async () => {
    const file = await config({ hosts: { 'api.bank.example': 'bank' } });
    const register = await json('check', file);
    expect(register).toMatchObject({
      ok: true,
      config: file,
      certificates: [
        { name: 'bank', subject: 'CN=alice', pinnedAt: ['hosts["api.bank.example"]'], status: 'valid' },
      ],
    });
    expect(new Date(register.checkedAt).getTime()).toBeLessThanOrEqual(Date.now());
  });
});
