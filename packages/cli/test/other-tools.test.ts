import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientcert, json } from './run.ts';

let directory: string;
const at = (name: string) => join(directory, name);
const save = (name: string, value: unknown) =>
  writeFile(at(name), typeof value === 'string' ? value : JSON.stringify(value));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-tools-'));
  const authority = await createAuthority();
  const alice = await authority.issue({ name: 'alice' });
  await writeFile(at('bank.pfx'), await alice.pfx('hunter2'), { mode: 0o600 });
  await save('alice.crt', alice.cert);
  await writeFile(at('alice.key'), alice.key, { mode: 0o600 });
  await save('root.pem', authority.certificate);
  for (const name of ['BANK_PASSPHRASE', 'FOR_THE_BANK_PASSPHRASE']) vi.stubEnv(name, 'hunter2');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** Imports into a config, which must load, and returns its rules. */
async function imported(tool: string, file: string) {
  const out = at(`${tool}-${file}.config.json`);
  const { code, err } = await clientcert('import', tool, at(file), '--out', out, '--force');
  const text = await readFile(out, 'utf8');
  expect(text + err).not.toContain('hunter2');
  await using credentials = await loadCredentials(out);
  return { code, err, rules: credentials.rules(), text };
}

describe('import', () => {
  it('takes Mendix settings, in JSON, nested, and as lines of an environment file', async () => {
    const settings = {
      ClientCertificates: 'bank.pfx',
      ClientCertificatePasswords: 'hunter2',
      ClientCertificateUsages: '{"Billing.Archive": "bank.pfx", "api.bank.example": "bank.pfx"}',
      CACertificates: 'root.pem',
    };
    await save('mendix.json', settings);
    await save('nested.json', { CustomSettings: settings });
    const lines = Object.entries(settings).map(([name, value]) => `MXRUNTIME_${name}='${value}'`);
    await save('mendix.env', `# settings\n${lines.join('\n')}\n`);
    for (const file of ['mendix.json', 'nested.json', 'mendix.env']) {
      const { code, err, rules } = await imported('mendix', file);
      expect(code).toBe(0);
      expect(err).toContain('BANK_PASSPHRASE');
      expect(rules).toContainEqual({ rule: 'hosts["api.bank.example:*"]', certificate: 'bank' });
      expect(rules).toContainEqual({ rule: 'services["Billing.Archive"]', certificate: 'bank' });
    }
  });

  it("takes Newman's list and Playwright's", async () => {
    await save('postman.json', [
      {
        name: 'for the bank',
        matches: ['https://api.bank.example:8443/*', 'https://*.tax.example/*'],
        pfx: { src: 'bank.pfx' },
        passphrase: 'hunter2',
      },
      { matches: ['https://other.example/*'], cert: { src: 'alice.crt' }, key: { src: 'alice.key' } },
    ]);
    expect((await imported('postman', 'postman.json')).rules).toEqual([
      { rule: 'hosts["api.bank.example:8443"]', certificate: 'for the bank' },
      { rule: 'hosts["*.tax.example"]', certificate: 'for the bank' },
      { rule: 'hosts["other.example"]', certificate: 'alice' },
    ]);
    const list = [{ origin: 'https://api.bank.example:8443', pfxPath: 'bank.pfx', passphrase: 'hunter2' }];
    for (const [index, value] of [
      list,
      { use: { clientCertificates: list } },
      { clientCertificates: list },
    ].entries()) {
      await save(`playwright-${index}.json`, value);
      const { rules, err } = await imported('playwright', `playwright-${index}.json`);
      expect(rules).toEqual([{ rule: 'hosts["api.bank.example:8443"]', certificate: 'bank' }]);
      expect(err).toContain('BANK_PASSPHRASE');
    }
  });

  it('takes the certificate of each request in a collection, in folders too', async () => {
    const certificate = { cert: { src: 'alice.crt' }, key: { src: 'alice.key' } };
    const matches = ['https://bank.example/*'];
    await save('collection.json', {
      info: { schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
      item: [
        {
          name: 'pay',
          request: { url: 'https://bank.example/pay', certificate: { ...certificate, matches } },
        },
        {
          name: 'a folder',
          item: [
            { request: { url: { raw: 'https://tax.example:8443/v1?a=b' }, certificate } },
            {
              certificate: { ...certificate, matches: ['https://old.example/*'] },
              request: 'https://old.example',
            },
          ],
        },
      ],
    });
    const { code, rules } = await imported('postman', 'collection.json');
    expect(code).toBe(0);
    expect(rules.map(({ rule }) => rule)).toEqual(
      ['bank.example', 'tax.example:8443', 'old.example'].map((host) => expect.stringContaining(host)),
    );
  });

  it('repeats nothing of what it cannot read', async () => {
    await save('broken.json', '{"ClientCertificatePasswords": "hunter2", ');
    await save('module.ts', 'export default { passphrase: "hunter2" }');
    await save('wrong.json', [{ matches: 'hunter2', passphrase: 'hunter2' }]);
    for (const [tool, file] of [
      ['postman', 'broken.json'],
      ['playwright', 'module.ts'],
      ...['bruno', 'cypress', 'insomnia', 'k6', 'newman', 'playwright', 'postman', 'spring'].flatMap(
        (tool) => [[tool, 'wrong.json'] as const, [tool, 'broken.json'] as const],
      ),
      ['curl', 'broken.json'],
      ['cypress', 'module.ts'],
      ['k6', 'module.ts'],
      ['mendix', 'wrong.json'],
      ['mendix', 'missing.json'],
    ] as const) {
      const { code, out, err } = await clientcert('import', tool, at(file));
      expect([file, code, out]).toEqual([file, 1, '']);
      expect(err).not.toContain('hunter2');
    }
  });
});

describe('export', () => {
  beforeAll(async () => {
    await save('clientcert.json', {
      certificates: {
        bank: { pfx: 'bank.pfx', passphrase: { env: 'BANK_PASSPHRASE' }, ca: 'root.pem' },
        pair: { cert: 'alice.crt', key: 'alice.key' },
        inline: {
          cert: (await readFile(at('alice.crt'), 'utf8')) + (await readFile(at('alice.key'), 'utf8')),
        },
      },
      hosts: {
        'api.bank.example:8443': 'bank',
        '*.tax.example': { certificate: 'pair' },
        'pair.example': 'pair',
        'inline.example': 'inline',
        'never.example': false,
      },
      services: { 'Billing.Archive': 'bank' },
    });
  });
  const exported = (tool: string) => json('export', tool, '--config', at('clientcert.json'));

  beforeEach(() => {
    const here = vi.spyOn(process, 'cwd').mockReturnValue(directory);
    return () => here.mockRestore();
  });

  it('names paths as the tool reads them, and says what is not quite the same', async () => {
    const authority = await createAuthority();
    const old = await authority.issue({ name: 'old' });
    await mkdir(at('sub'));
    await writeFile(at('old.pfx'), await old.pfx('hunter2', { encryption: 'legacy-rc2' }), { mode: 0o600 });
    await save('old.json', {
      certificates: { old: { pfx: 'old.pfx', passphrase: { file: 'old.txt' } } },
      hosts: { 'a.example': 'old', '*.tax.example': 'old' },
    });
    await writeFile(at('old.txt'), 'hunter2', { mode: 0o600 });
    const to = async (tool: string) => {
      const out = join('sub', `${tool}.out`);
      const spied = await clientcert('export', tool, '--config', at('old.json'), '--out', at(out));
      expect(spied.code).toBe(0);
      for (const line of spied.err.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
      return { text: await readFile(at(out), 'utf8'), err: spied.err.replace(/\s+/g, ' ') };
    };
    for (const [tool, paths, widens] of [
      ['curl', ['--cert old.pfx', 'cat old.txt'], false],
      ['cypress', ['"pfx": "old.pfx"', '"passphrase": "old.txt"'], true],
      ['newman', ['"src": "old.pfx"'], true],
      ['playwright', ['"../old.pfx"'], false],
    ] as const) {
      const { text, err } = await to(tool);
      for (const path of paths) expect(text).toContain(path);
      expect(err).toContain('old.pfx --to pfx');
      expect([tool, err.includes('*.tax.example is wider there')]).toEqual([tool, widens]);
      expect([tool, err.includes('run the tool from there')]).toEqual([tool, tool !== 'playwright']);
    }
    expect((await json('export', 'newman', '--config', at('old.json'))).notes).toHaveLength(2);
  });

  it("writes Newman's list, which import reads again", async () => {
    const out = at('newman.json');
    const { code, err } = await clientcert(
      'export',
      'postman',
      '--config',
      at('clientcert.json'),
      '--out',
      out,
    );
    expect(code).toBe(0);
    expect(err).toContain('BANK_PASSPHRASE');
    expect(err).toContain('inline.example');
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual([
      { name: 'bank', matches: ['https://api.bank.example:8443/*'], pfx: { src: 'bank.pfx' } },
      {
        name: 'pair',
        matches: ['https://*.tax.example/*'],
        key: { src: 'alice.key' },
        cert: { src: 'alice.crt' },
      },
      {
        name: 'pair',
        matches: ['https://pair.example/*'],
        key: { src: 'alice.key' },
        cert: { src: 'alice.crt' },
      },
    ]);
  });

  it('writes a module for Playwright, with the passphrase from the environment', async () => {
    const out = at('playwright.mjs');
    expect(
      (await clientcert('export', 'playwright', '--config', at('clientcert.json'), '--out', out)).code,
    ).toBe(0);
    expect(await readFile(out, 'utf8')).not.toContain('hunter2');
    const { clientCertificates } = await import(pathToFileURL(out).href);
    expect(clientCertificates).toEqual([
      { origin: 'https://api.bank.example:8443', pfxPath: 'bank.pfx', passphrase: 'hunter2' },
      { origin: 'https://pair.example', certPath: 'alice.crt', keyPath: 'alice.key' },
    ]);
  });

  it('writes lines for curl, in which no passphrase is an argument', async () => {
    const { content, variables, omitted } = await exported('curl');
    expect(variables).toEqual(['BANK_PASSPHRASE']);
    expect(content).toMatch(
      /^curl --config <\(printf .*"\$BANK_PASSPHRASE"\) --cert-type P12 --cert \S*bank\.pfx --cacert \S*root\.pem https:\/\/api\.bank\.example:8443\/$/m,
    );
    expect(content).not.toContain('--pass ');
    expect(omitted.map(({ what }: { what: string }) => what)).toEqual([
      'certificate "inline" at inline.example',
      'service Billing.Archive',
      '*.tax.example',
      'the usual roots at api.bank.example:8443',
    ]);
  });

  it('writes a module for Cypress, which import reads again', async () => {
    const out = at('cypress.mjs');
    const { code, err } = await clientcert(
      'export',
      'cypress',
      '--config',
      at('clientcert.json'),
      '--out',
      out,
    );
    expect([code, err]).toEqual([0, expect.stringContaining('BANK_PASSPHRASE.txt')]);
    const { clientCertificates } = await import(pathToFileURL(out).href);
    expect(clientCertificates).toEqual([
      {
        url: 'https://api.bank.example:8443',
        ca: ['root.pem'],
        certs: [{ pfx: 'bank.pfx', passphrase: 'BANK_PASSPHRASE.txt' }],
      },
      { url: 'https://*.tax.example', certs: [{ cert: 'alice.crt', key: 'alice.key' }] },
      { url: 'https://pair.example', certs: [{ cert: 'alice.crt', key: 'alice.key' }] },
    ]);
    await writeFile(at('BANK_PASSPHRASE.txt'), 'hunter2', { mode: 0o600 });
    const { rules } = await imported('cypress', 'cypress.mjs');
    expect(rules).toEqual([
      { rule: 'hosts["api.bank.example:8443"]', certificate: 'bank' },
      { rule: 'hosts["*.tax.example:*"]', certificate: 'alice' },
      { rule: 'hosts["pair.example:*"]', certificate: 'alice' },
    ]);
  });

  it('says everything that a tool has no way to say', async () => {
    await save('rich.json', {
      certificates: {
        bank: {
          pfx: 'bank.pfx',
          passphrase: { env: 'BANK_PASSPHRASE' },
          ca: ['root.pem', 'root.pem'],
          alias: 'alice',
          bundles: { 'bank.example': 'root.pem' },
        },
      },
      hosts: {
        'api.bank.example': {
          certificate: 'bank',
          server: 'spiffe://bank.example',
          tls: 'TLSv1.2',
          spki: [`sha256/${'A'.repeat(43)}=`],
          required: true,
        },
        '*.tax.example:*': 'bank',
        'open.tax.example': false,
        'private.example': { ca: 'root.pem' },
      },
      default: 'bank',
      proxy: 'http://proxy.example:3128',
    });
    const left = async (tool: string) => {
      const { omitted } = await json('export', tool, '--config', at('rich.json'));
      return omitted.map(({ what }: { what: string }) => what).join('; ');
    };
    const common =
      '"alias" at api.bank.example; "required" at api.bank.example; "alias" at *.tax.example:*; ' +
      '"server" at api.bank.example; "bundles" at api.bank.example; "bundles" at *.tax.example:*; ' +
      'the rule for open.tax.example; the rule for private.example; the proxy; the default; ';
    const sorted = (text: string) => text.split('; ').filter(Boolean).sort();
    const mine: Record<string, string> = {
      curl: '*.tax.example:*; the usual roots at api.bank.example; 2 files of roots for api.bank.example',
      playwright:
        '*.tax.example:*; "spki" at api.bank.example; "tls" at api.bank.example; "ca" at api.bank.example',
      newman:
        '*.tax.example:*; "spki" at api.bank.example; "tls" at api.bank.example; "ca" at api.bank.example',
      cypress:
        '"spki" at api.bank.example; "tls" at api.bank.example; the port of api.bank.example; ' +
        'the usual roots at api.bank.example; the usual roots at *.tax.example:*',
    };
    for (const [tool, own] of Object.entries(mine))
      expect(sorted(await left(tool))).toEqual(sorted(common + own));
    const { content } = await json('export', 'curl', '--config', at('rich.json'));
    expect(content).toContain('--tlsv1.2 --tls-max 1.2 --pinnedpubkey ');
  });

  it('names what is missing', async () => {
    expect((await clientcert('export', 'curl', '--config', at('none.json'))).code).toBe(1);
    const { code } = await clientcert('export', 'burp', '--config', at('clientcert.json'));
    expect(code).toBe(1);
  });
});
