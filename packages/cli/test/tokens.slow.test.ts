import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientcert, json } from './run.ts';

const module = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm.so'].find(existsSync);
const engine = [
  '/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so',
  '/usr/lib/aarch64-linux-gnu/engines-3/pkcs11.so',
  '/usr/lib64/engines-3/pkcs11.so',
].find(existsSync);
const has = (tool: string) =>
  (process.env.PATH ?? '').split(':').some((each) => existsSync(join(each, tool)));
const missing = [
  ...(module === undefined || !has('softhsm2-util') ? ['softhsm2'] : []),
  ...(has('pkcs11-tool') ? [] : ['opensc']),
  ...(has('p11tool') ? [] : ['gnutls-bin']),
];
if (missing.length > 0)
  console.warn(`clientcert tokens is not tested: not installed are ${missing.join(', ')}`);

describe.skipIf(missing.length > 0)('clientcert tokens, of SoftHSM', () => {
  const pin = '471100';
  let folder: string;
  let fingerprint: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clientcert-tokens-'));
    await mkdir(join(folder, 'tokens'));
    await writeFile(join(folder, 'softhsm2.conf'), `directories.tokendir = ${folder}/tokens\n`);
    vi.stubEnv('SOFTHSM2_CONF', join(folder, 'softhsm2.conf'));
    const run = (tool: string, ...args: string[]) => execFileSync(tool, args, { stdio: 'pipe' });
    run(
      'softhsm2-util',
      '--init-token',
      '--free',
      '--label',
      'my bank',
      '--pin',
      pin,
      '--so-pin',
      '12345678',
    );
    const alice = await (await createAuthority()).issue({ name: 'alice' });
    fingerprint = alice.fingerprint256;
    await writeFile(join(folder, 'alice.key'), alice.key);
    await writeFile(
      join(folder, 'alice.crt'),
      Buffer.from(alice.cert.replace(/-----.*-----/g, ''), 'base64'),
    );
    const login = ['--module', module!, '--token-label', 'my bank', '--login', '--pin', pin];
    run(
      'softhsm2-util',
      '--import',
      join(folder, 'alice.key'),
      '--token',
      'my bank',
      '--label',
      'alice',
      '--id',
      '0a',
      '--pin',
      pin,
    );
    run(
      'pkcs11-tool',
      ...login,
      '--write-object',
      join(folder, 'alice.crt'),
      '--type',
      'cert',
      '--label',
      'alice',
      '--id',
      '0a',
    );
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  it('lists what anybody may see, and what to write', async () => {
    const { tokens } = await json('tokens', module!);
    const [token] = tokens.filter(({ label }: { label: string }) => label === 'my bank');
    expect(token.objects).toEqual([
      {
        label: 'alice',
        id: expect.stringMatching(/^0a$/i),
        type: expect.stringContaining('EC'),
        key: expect.stringMatching(/^pkcs11:token=my%20bank;object=alice;id=%0a$/i),
        certificate: expect.objectContaining({ subject: 'CN=alice', fingerprint256: fingerprint }),
      },
    ]);
    const { code, out } = await clientcert('tokens', module!);
    expect(code).toBe(0);
    expect(out).toContain('"alice": ');
    expect(out).toContain(token.objects[0].key);
    expect(out).not.toContain(pin);
  });

  it('saves the certificate with the line that it prints', async () => {
    const { out } = await clientcert('tokens', module!);
    const line = out.split('\n').find((each) => each.includes('p11tool'))!;
    execFileSync('sh', ['-c', line], { cwd: folder, stdio: 'pipe' });
    const inspected = await json('inspect', join(folder, 'alice.pem'));
    expect(JSON.stringify(inspected)).toContain(fingerprint);
  });

  describe('clientcert inspect, of a PKCS#11 URI', () => {
    const uri = 'pkcs11:token=my%20bank;object=alice';
    const look = (...more: string[]) => json('inspect', uri, '--module', module!, ...more);

    it('looks at the certificate beside the key, without a PIN', async () => {
      const [report] = await look();
      expect(report).toMatchObject({ file: `${uri};id=%0A`, format: 'PKCS#11', verdict: 'warning' });
      const [identity] = report.identities;
      expect(identity).toMatchObject({ subject: 'CN=alice', fingerprint256: fingerprint });
      // Its issuer is not on the token.
      expect(identity.warnings).toEqual([expect.objectContaining({ code: 'CHAIN_INCOMPLETE' })]);
      expect(identity.notes).toEqual([expect.objectContaining({ code: 'KEY_NOT_TRIED' })]);
      expect(identity.config.join('\n')).toBe(
        `alice: {\n  cert: 'alice.pem',\n  key: '${uri};id=%0A',\n  pin: { env: 'ALICE_PIN' },\n},`,
      );
      const { code, out } = await clientcert('inspect', `${uri};type=private`, '--module', module!);
      expect(code).toBe(0);
      expect(out).toContain('PKCS#11');
      expect(out).not.toContain('Node itself');
    });

    it('takes no PIN on the command line, and repeats none', async () => {
      const { code, out, err } = await clientcert('inspect', `${uri}?pin-value=${pin}`, '--module', module!);
      expect(code).toBe(1);
      expect(out + err).toContain('--pin-env');
      expect(out + err).not.toContain(pin);
    });

    it('tries the key where it is given a PIN', async () => {
      vi.stubEnv('ALICE_PIN', pin);
      const [without] = await look('--pin-env', 'ALICE_PIN');
      expect(without.error.code).toBe('ERR_CLIENTCERT_PROVIDER_MISSING');
      if (engine === undefined) return console.warn('not tried with an engine: libengine-pkcs11-openssl');
      vi.stubEnv('PKCS11_MODULE_PATH', module);
      const [tried] = await look('--pin-env', 'ALICE_PIN', '--engine', engine);
      expect(tried).toMatchObject({ verdict: 'warning', identities: [{ subject: 'CN=alice', notes: [] }] });
      expect(tried.identities[0].config.join()).toContain(engine);
      const [broken] = await look('--pin-env', 'NOBODY', '--engine', engine);
      expect(broken.error.code).toBe('ERR_CLIENTCERT_PIN_MISSING');
    });

    it('says that a token shows no such thing', async () => {
      const { code, out } = await clientcert(
        'inspect',
        'pkcs11:token=my%20bank;object=nobody',
        '--module',
        module!,
      );
      expect(code).toBe(1);
      expect(out).toContain('clientcert tokens MODULE');
    });
  });

  it('says that what is no module cannot be asked', async () => {
    const { code, err } = await clientcert('tokens', '/no/such/module.so');
    expect(code).toBe(1);
    expect(err).toContain('PKCS#11 module');
  });
});
