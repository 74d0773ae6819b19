import { spawnSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { der, oid, sequence } from '@clientcert/core/enrolment';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../src/index.ts';
import { git } from '../src/migrate/files.ts';
import { readCurl } from '../src/other/curl.ts';
import { parseEntries } from '../src/tokens/p11tool.ts';
import { makeCertificate } from './made-certificate.ts';

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-attacks-'));
  const alice = await (await createAuthority()).issue({ name: 'alice' });
  vi.stubEnv('RIGHT', 'right');
  await writeFile(at('bank.pem'), alice.cert + alice.key, { mode: 0o600 });
  await writeFile(at('bank.pfx'), await alice.pfx('right'), { mode: 0o600 });
  await writeFile(
    at('clientcert.json'),
    JSON.stringify({
      certificates: { bank: { pfx: 'bank.pfx', passphrase: { env: 'RIGHT' } } },
      hosts: { '127.0.0.1:1': 'bank' },
    }),
  );
  await writeFile(
    at('postman.json'),
    JSON.stringify([{ name: 'a', matches: ['https://a.example/*'], pfx: { src: 'a.pfx' } }]),
  );
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** All that a command prints, by whichever way. */
async function printed(args: readonly string[]): Promise<{ code: number; text: string }> {
  const said: unknown[] = [];
  const keep = (...all: unknown[]) => {
    said.push(...all);
    return true;
  };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(keep),
    vi.spyOn(console, 'error').mockImplementation(keep),
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
      keep(chunk);
      // What waits for the end of the writing is told.
      for (const each of rest) if (typeof each === 'function') (each as () => void)();
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation(keep),
  ];
  const code = await run(args);
  for (const spy of spies) spy.mockRestore();
  return { code, text: said.join('\n') };
}

describe('attack: secrets that show', () => {
  /** Each with a piece of it that may be found nowhere. */
  const secrets = {
    'a password': ['Tr0ub4dor&3x', 'Tr0ub4dor'],
    'a short one': ['hunter2', 'hunter2'],
    'a URL with a password': ['ftp://joe:s3cr3tpw@api.bank.example/x', 's3cr3tpw'],
    'a key': ['-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----', 'MIGHAgEAMBMG'],
    'a config': ['{"certificates":{"bank":{"pfx":"x","passphrase":"hunter2"}}}', 'hunter2'],
    'a token': ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl', 'c2lnbmF0dXJl'],
    'a PIN': ['pkcs11:token=x;pin-value=987654', '987654'],
  } as const;
  const config = () => ['--config', at('clientcert.json')];
  const slots: Record<string, (secret: string) => string[]> = {
    'a command': (secret) => [secret],
    'an option that there is not': (secret) => ['inspect', at('bank.pem'), `--passphrase=${secret}`],
    'the same, with --debug': (secret) => ['inspect', '--debug', at('bank.pem'), `--pass=${secret}`],
    inspect: (secret) => ['inspect', secret],
    'inspect --json': (secret) => ['inspect', secret, at('bank.pem'), '--json'],
    '--passphrase-env': (secret) => ['inspect', at('bank.pfx'), '--passphrase-env', secret],
    '--passphrase-file': (secret) => ['inspect', at('bank.pfx'), '--passphrase-file', secret],
    '--key-passphrase-env': (secret) => ['inspect', at('bank.pfx'), '--key-passphrase-env', secret],
    check: (secret) => ['check', secret],
    'explain --config': (secret) => ['explain', 'https://a.example', '--config', secret],
    'explain --service': (secret) => ['explain', 'https://a.example', '--service', secret, ...config()],
    'probe --timeout': (secret) => ['probe', 'https://127.0.0.1:1', '--timeout', secret],
    'probe --service': (secret) => ['probe', 'https://127.0.0.1:1', '--service', secret, ...config()],
    convert: (secret) => ['convert', secret, '--to', 'crt', '--out', '-'],
    'convert --to': (secret) => ['convert', at('bank.pem'), '--to', secret],
    'convert --out': (secret) => ['convert', at('bank.pem'), '--to', 'crt', '--out', `${at('no')}/${secret}`],
    '--out-passphrase-file': (secret) => [
      ...['convert', at('bank.pem'), '--to', 'pem', '--out', at('x.pem'), '--out-passphrase-file', secret],
    ],
    csr: (secret) => ['csr', secret],
    'csr --subject': (secret) => ['csr', '--subject', secret, '--plain', '--out', at('x.csr')],
    'csr --key-type': (secret) => ['csr', '--subject', 'CN=x', '--plain', '--key-type', secret],
    'import tool': (secret) => ['import', secret, at('postman.json')],
    import: (secret) => ['import', 'postman', secret],
    'import --host': (secret) => ['import', 'postman', at('postman.json'), '--host', `a.example=${secret}`],
    export: (secret) => ['export', secret],
    'export --config': (secret) => ['export', 'curl', '--config', secret],
    migrate: (secret) => ['migrate', secret],
    'migrate --config': (secret) => ['migrate', at('postman.json'), '--config', secret],
    completion: (secret) => ['completion', secret],
    tokens: (secret) => ['tokens', secret],
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
  const terminal = /[\u001b\u0080-\u009f\u202e]/;

  it.each(Object.keys(slots))(
    'what was typed in the place of something else is not repeated: %s',
    async (slot) => {
      const shown: string[] = [];
      for (const [kind, [secret, piece]] of Object.entries(secrets)) {
        // Below a directory a word is a path like any other.
        if (slot === 'convert --out' && secret === 'hunter2') continue;
        const { text } = await printed(slots[slot]!(secret));
        if (text.includes(piece)) shown.push(`${kind}: ${text}`);
      }
      expect(shown).toEqual([]);
    },
  );

  it('what stands in the place of a setting’s name, and is none, is not printed by an import', async () => {
    await writeFile(
      at('slip.config.ts'),
      "export default { use: { clientCertificates: [{ origin: 'https://a.example', certPath: 'a.crt', keyPath: 'a.key', 'Tr0ub4dor&3': 1 }] } };",
    );
    const { text } = await printed(['import', 'playwright', at('slip.config.ts')]);
    expect(text).toContain('left out');
    expect(text).not.toContain('Tr0ub');
  });

  it('what an import prints holds nothing that a terminal would obey', async () => {
    const odd = '\u009b31m\u202e\u001b]0;x';
    const entry = { name: `n${odd}`, matches: ['https://a.example/*'], pfx: { src: `p${odd}.p12` } };
    await writeFile(at('odd.json'), JSON.stringify([entry]));
    const { code, text } = await printed(['import', 'postman', at('odd.json')]);
    expect(code).toBe(0);
    expect(text).not.toMatch(terminal);
    const [name] = Object.keys(JSON.parse(text.slice(0, text.lastIndexOf('}') + 1)).certificates);
    expect(name).toBe(`n${odd}`);
  });

  it('what an export writes for a shell holds nothing that a terminal would obey, and is read again', async () => {
    const odd = 'p\u009b31m\u202e.pfx';
    await writeFile(at(odd), await readFile(at('bank.pfx')), { mode: 0o600 });
    const held = {
      certificates: { bank: { pfx: odd, passphrase: { env: 'RIGHT' } } },
      hosts: { 'a.example': 'bank' },
    };
    await writeFile(at('odd-config.json'), JSON.stringify(held));
    const { code, text } = await printed(['export', 'curl', '--config', at('odd-config.json')]);
    expect(code).toBe(0);
    expect(text).not.toMatch(terminal);
    const [entry] = readCurl(text.slice(text.indexOf('curl '), text.indexOf('a.example/') + 10)).entries;
    expect(entry?.pfx).toMatchObject({ path: expect.stringContaining(odd) });
  });

  it.skipIf(process.platform === 'win32')('--force replaces no pipe, as it replaces no device', async () => {
    spawnSync('mkfifo', [at('pipe')]);
    const place = at('pipe');
    const args = ['convert', at('bank.pem'), '--to', 'pem', '--plain', '--force', '--out', place];
    const { code, text } = await printed(args);
    expect(code).toBe(1);
    expect(text.replace(/\s+/g, ' ')).toContain('was left alone');
    expect((await lstat(place)).isFile()).toBe(false);
    await rm(at('pipe'));
  });

  it('a request that cannot be written leaves no key behind', async () => {
    await mkdir(at('requests'));
    await writeFile(at('requests/a.csr'), 'mine');
    const args = ['csr', '--subject', 'CN=x', '--plain', '--out', at('requests/a.csr')];
    expect((await printed(args)).code).toBe(1);
    expect(await readdir(at('requests'))).toEqual(['a.csr']);
    expect(await readFile(at('requests/a.csr'), 'utf8')).toBe('mine');
  });
});

describe('attack: files that stop the process', () => {
  describe.skipIf(process.platform === 'win32')('a pipe in place of a file is an error', () => {
    const pipe = () => at('p.json');
    beforeAll(() => {
      spawnSync('mkfifo', [pipe()]);
    });
    const commands: Record<string, () => string[]> = {
      inspect: () => ['inspect', pipe()],
      convert: () => ['convert', pipe(), '--to', 'crt', '--out', '-'],
      'convert --out-passphrase-file': () => [
        ...['convert', at('bank.pem'), '--to', 'pem', '--out', at('y.pem'), '--out-passphrase-file', pipe()],
      ],
      csr: () => ['csr', pipe(), '--plain'],
      check: () => ['check', pipe()],
      'import curl': () => ['import', 'curl', pipe()],
      'import mendix': () => ['import', 'mendix', pipe()],
      export: () => ['export', 'curl', '--config', pipe()],
      'migrate --config': () => ['migrate', at('postman.json'), '--config', pipe()],
    };
    it.each(Object.keys(commands))('%s', async (command) => {
      const { code, text } = await printed(commands[command]!());
      expect(code).toBe(1);
      expect(text.replace(/\s+/g, ' ')).toContain('is a pipe, a socket or a device');
    });

    it('migrate, beside the code', async () => {
      await mkdir(at('code'));
      spawnSync('mkfifo', [at('code/package.json')]);
      await writeFile(at('code/a.js'), "const https = require('https');\nnew https.Agent({ pfx: x });\n");
      expect((await printed(['migrate', at('code')])).code).toBe(2);
    });
  });

  it('what a token calls its objects is read in time that grows with its length', () => {
    const blank = ' '.repeat(500_000);
    for (const label of [`${blank}x`, `a${blank}x`, 'a '.repeat(250_000), 'a'.repeat(500_000)]) {
      const said = `Object 0:\n\tURL: pkcs11:object=x;type=cert\n\tLabel: ${label}\n\t${label}\n${label}!\n`;
      // Were it the square of it, this would take minutes.
      expect(parseEntries(said)[0]!.fields.get('Label')).toBe(label.trim());
    }
  });

  describe.skipIf(process.platform === 'win32')('programs that others made', () => {
    const fake = async (program: string) => {
      const folder = await mkdtemp(at('path-'));
      await writeFile(join(folder, 'git'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
      vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
      return folder;
    };

    it('are started elsewhere than in what is looked at: Windows takes a git.exe from there', async () => {
      const folder = await fake(`pwd > "$(dirname "$0")/where"; echo "$2"`);
      try {
        expect(await git(directory, ['ls-files'])).toBe(`${directory}\n`);
        expect(await readFile(join(folder, 'where'), 'utf8')).toBe(`${dirname(process.execPath)}\n`);
      } finally {
        vi.unstubAllEnvs();
        vi.stubEnv('RIGHT', 'right');
      }
    });

    it('and that never end are ended, as git does not that reads a pipe as its .gitignore', async () => {
      expect(spawnSync('git', ['init', '-q', at('piped')]).status).toBe(0);
      spawnSync('mkfifo', [at('piped/.gitignore')]);
      expect(await git(at('piped'), ['ls-files', '-o', '--exclude-standard'], 500)).toBe(undefined);
    });
  });

  it('a certificate for a key that is none is shown with the rest of it, and asks for no other', async () => {
    const curve = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
    const [infinity, cut] = [
      [0, 0],
      [0, 4],
    ].map((point) => sequence(curve, der(0x03, Buffer.from(point))));
    for (const key of [infinity!, cut!]) {
      await writeFile(
        at('none.pem'),
        makeCertificate('CN=alice', 'CN=a', [], key).replace(/-----BEGIN P[\s\S]*/, ''),
      );
      expect(await printed(['inspect', at('none.pem')])).toMatchObject({
        code: 0,
        text: expect.stringMatching(/Subject +CN=alice[\s\S]+Key +EC\n/),
      });
      const { code } = await printed(['csr', at('none.pem'), '--plain', '--out', at('next.csr'), '--force']);
      expect(code).toBe(0);
    }
  });

  it('a device without end is not read', async () => {
    if (process.platform === 'win32') return;
    expect((await printed(['import', 'curl', '/dev/zero'])).code).toBe(1);
  });
});
