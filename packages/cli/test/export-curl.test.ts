import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect, it, vi } from 'vitest';
import { json } from './run.ts';

const run = promisify(execFile);
const hasCurl = await run('bash', ['-c', 'curl --version']).then(
  ({ stdout }) => stdout.includes('OpenSSL'),
  () => false,
);
if (!hasCurl) console.warn('export-curl.test.ts is skipped: there is no bash, or no curl with OpenSSL');

it.skipIf(!hasCurl)('export curl writes lines that curl runs, and import reads again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-curl-'));
  const authority = await createAuthority();
  const alice = await authority.issue({ name: 'alice' });
  await using server = await startServer({ authority, hosts: ['localhost'] });
  // Its paths are relative to where it is made, and runs.
  const here = vi.spyOn(process, 'cwd').mockReturnValue(directory);
  try {
    // A colon begins the passphrase in what follows --cert, and a blank ends a word.
    const odd = join(directory, 'of: the bank');
    await mkdir(odd);
    const secret = 'with " and \\ and $HOME';
    await writeFile(join(odd, 'bank.pfx'), await alice.pfx(secret), { mode: 0o600 });
    await writeFile(join(directory, 'alice.crt'), alice.cert);
    await writeFile(join(directory, 'alice.key'), alice.key, { mode: 0o600 });
    await writeFile(join(directory, 'root.pem'), authority.certificate);
    const env = { BANK_SECRET: secret };
    process.env.BANK_SECRET = secret;
    for (const [name, source, rule] of [
      ['pfx', { pfx: 'of: the bank/bank.pfx', passphrase: { env: 'BANK_SECRET' } }, { tls: 'TLSv1.3' }],
      ['pair', { cert: 'alice.crt', key: 'alice.key' }, {}],
    ] as const) {
      const config = {
        certificates: { bank: { ...source, ca: 'root.pem', trust: 'only' } },
        hosts: { [`localhost:${server.port}`]: { certificate: 'bank', ...rule } },
      };
      await writeFile(join(directory, `${name}.json`), JSON.stringify(config));
      const script = join(directory, `${name}.sh`);
      const { omitted } = await json(
        'export',
        'curl',
        '--config',
        join(directory, `${name}.json`),
        '--out',
        script,
      );
      expect(omitted).toEqual([]);
      const before = server.requests.length;
      await run('bash', [script], {
        cwd: directory,
        env: { ...process.env, BANK_SECRET: env.BANK_SECRET.replace(/["\\]/g, '\\$&') },
      });
      expect(server.requests[before]?.clientCertificate?.commonName).toBe('alice');
      const back = join(directory, `${name}.back.json`);
      await json('import', 'curl', script, '--out', back);
      const { config: again } = await json('import', 'curl', script);
      expect(again.hosts).toEqual(
        rule.tls
          ? { [`localhost:${server.port}`]: { certificate: 'bank', tls: 'TLSv1.3' } }
          : { [`localhost:${server.port}`]: 'alice' },
      );
      expect(Object.values<Record<string, unknown>>(again.certificates)[0]?.passphrase).toEqual(
        'passphrase' in source ? { env: 'BANK_SECRET' } : undefined,
      );
    }
  } finally {
    here.mockRestore();
    delete process.env.BANK_SECRET;
    await rm(directory, { recursive: true });
  }
});

it('a config in UTF-16, as Windows writes it and core reads it, is exported like any other', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-utf16-'));
  const alice = await (await createAuthority()).issue({ name: 'alice' });
  try {
    await writeFile(join(directory, 'alice.pem'), alice.cert + alice.key, { mode: 0o600 });
    const config = { certificates: { bank: { cert: 'alice.pem' } }, hosts: { 'api.bank.example': 'bank' } };
    const wide = join(directory, 'wide.json');
    await writeFile(wide, `\ufeff${JSON.stringify(config)}`, 'utf16le');
    const { content } = await json('export', 'curl', '--config', wide);
    expect(content).toContain('https://api.bank.example/');
  } finally {
    await rm(directory, { recursive: true });
  }
});
