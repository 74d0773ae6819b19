import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCredentials } from '@clientcert/core';
import { der, oid, sequence } from '@clientcert/core/enrolment';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificate, usages } from './made-certificate.ts';
import { clientcert, json } from './run.ts';

const { prompt } = vi.hoisted(() => ({ prompt: vi.fn<(options: { message: string }) => Promise<string>>() }));
vi.mock('@inquirer/password', () => ({ default: prompt }));

let directory: string;
let authority: Authority;
let alice: IssuedCertificate;
const at = (name: string) => join(directory, name);
const client = '1.3.6.1.5.5.7.3.2';
const server = '1.3.6.1.5.5.7.3.1';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-inspect-'));
  authority = await createAuthority({ intermediates: 1 });
  alice = await authority.issue({ name: 'alice' });
  await writeFile(at('bank.pfx'), await alice.pfx('secret'));
});
afterEach(() => {
  prompt.mockReset();
  vi.unstubAllGlobals();
  delete (process.stdin as { isTTY?: boolean }).isTTY;
});
afterAll(() => rm(directory, { recursive: true }));

async function made(name: string, ...args: Parameters<typeof makeCertificate>): Promise<string> {
  await writeFile(at(name), makeCertificate(...args), { mode: 0o600 });
  return at(name);
}

describe('inspect', () => {
  it('shows the thumbprint that OAuth 2.0 binds tokens to, and the verdict first', async () => {
    await writeFile(at('alice.pem'), alice.fullChain + alice.key, { mode: 0o600 });
    const [report] = await json('inspect', at('alice.pem'));
    const digest = createHash('sha256').update(new X509Certificate(alice.cert).raw).digest('base64url');
    expect(report.identities[0]['x5t#S256']).toBe(digest);
    const { out } = await clientcert('inspect', at('alice.pem'));
    expect(out.split('\n')[1]).toMatch(/^✓ would work: CN=alice, \d+ days left/);
    expect(out).toContain(digest);
  });

  it('shows a certificate that has no subject, as Node 20 says nothing of an empty name', async () => {
    const file = await made('nameless.pem', '', 'CN=x', [usages(client)]);
    const { out } = await clientcert('inspect', file);
    expect(out).toMatch(/would work.*: \(no name\), \d+ days left/);
    expect(out).toMatch(/Subject +\(no name\)/);
    const [report] = await json('inspect', file);
    expect(report.identities).toMatchObject([{ subject: '', issuer: 'CN=x' }]);
    const unnamed = await made('unnamed.pem', 'CN=x', '', [usages(client)]);
    expect((await clientcert('inspect', unnamed)).out).toContain('(no name) (not in the file)');
  });

  it('names each identity of a file by a name of its own in the lines to paste', async () => {
    const bob = await authority.issue({ name: 'bob' });
    await writeFile(at('both.pem'), alice.cert + alice.key + bob.cert + bob.key, { mode: 0o600 });
    const [{ identities }] = await json('inspect', at('both.pem'));
    const lines = identities.flatMap(({ config }: { config: string[] }) => config).join('\n');
    const certificates = new Function(`return {${lines}}`)();
    expect(Object.keys(certificates)).toEqual(['both', 'both-2']);
    const credentials = await loadCredentials({ certificates });
    expect(credentials.certificates().map(({ subject }) => subject)).toEqual(['CN=alice', 'CN=bob']);
    await credentials.close();
  });

  it('shows of each key the certificate that would be presented, and not the one before it', async () => {
    const names = ['old-a', 'old-b'];
    const before = await Promise.all(names.map((name) => authority.issue({ name, expired: true })));
    const renewed = await Promise.all(
      before.map(({ name, key }) => authority.issue({ name: `new-${name}`, key })),
    );
    const pem =
      [...before, ...renewed].map(({ cert }) => cert).join('') + before.map(({ key }) => key).join('');
    await writeFile(at('renewed.pem'), pem, { mode: 0o600 });
    const [{ verdict, identities }] = await json('inspect', at('renewed.pem'));
    expect(identities.map(({ subject }: { subject: string }) => subject)).toEqual([
      'CN=new-old-a',
      'CN=new-old-b',
    ]);
    expect(verdict).not.toBe('refused');
    const lines = identities.flatMap(({ config }: { config: string[] }) => config).join('\n');
    await using credentials = await loadCredentials({ certificates: new Function(`return {${lines}}`)() });
    expect(credentials.certificates().map(({ status }) => status)).toEqual(['valid', 'valid']);
  });

  it('names a variable that a shell can set, whatever the file is called', async () => {
    await writeFile(at('2026-bank.pfx'), await alice.pfx('secret'));
    await writeFile(at('word'), 'secret');
    const [report] = await json('inspect', at('2026-bank.pfx'), '--passphrase-file', at('word'));
    expect(report.identities[0].config.join('\n')).toContain("passphrase: { env: '_2026_BANK_PASSPHRASE' }");
  });

  it('says first that servers will refuse what ran out', async () => {
    const old = await authority.issue({ name: 'old', expired: true });
    await writeFile(at('old.pem'), old.fullChain + old.key, { mode: 0o600 });
    const { code, out } = await clientcert('inspect', at('old.pem'));
    expect([code, out.split('\n')[1]]).toEqual([
      0,
      expect.stringMatching(/^✗ servers will refuse it: CN=old/),
    ]);
    const verdicts = (await json('inspect', at('old.pem'), at('bank.pfx'))).map(
      ({ verdict }: { verdict: string }) => verdict,
    );
    expect(verdicts).toEqual(['refused', 'unusable']);
  });

  it('says how the files of a directory are looked at', async () => {
    const { code, err, out } = await clientcert('inspect', directory);
    expect([code, (out + err).replace(/\s+/g, ' ')]).toEqual([
      1,
      expect.stringContaining('clientcert inspect'),
    ]);
  });

  it('reads the statements of a QWAC and of a QSeal, PSD2 roles and supervisor included', async () => {
    const text = (value: string) => der(0x0c, Buffer.from(value));
    const role = (number: number, name: string) => sequence(oid(`0.4.0.19495.1.${number}`), text(name));
    const psd2 = sequence(
      sequence(role(2, 'PSP_PI'), role(3, 'PSP_AI')),
      text('De Nederlandsche Bank\u202e'),
      text('NL-DNB'),
    );
    for (const [type, kind] of [
      [3, 'QWAC'],
      [2, 'QSeal'],
    ] as const) {
      const statements = sequence(
        sequence(oid('0.4.0.1862.1.1')),
        sequence(oid('0.4.0.1862.1.4')),
        sequence(oid('0.4.0.1862.1.6'), sequence(oid(`0.4.0.1862.1.6.${type}`))),
        sequence(oid('0.4.0.19495.2'), psd2),
      );
      const file = await made(
        `${kind}.pem`,
        'C=NL, O=Example BV, organizationIdentifier=PSDNL-DNB-1234, CN=example',
        'CN=Qualified Root',
        [usages(client), ['1.3.6.1.5.5.7.1.3', statements]],
      );
      const [report] = await json('inspect', file);
      expect(report.identities[0].statements).toMatchObject({
        types: [kind],
        qualified: true,
        device: true,
        psd2: {
          authorityId: 'NL-DNB',
          roles: ['PSP_PI (payment initiation)', 'PSP_AI (account information)'],
        },
      });
      expect((await clientcert('inspect', file)).out).toMatch(new RegExp(`Qualified +it says so: ${kind}`));
    }
  });

  it('shows the rest of a certificate whose statements are damaged', async () => {
    const file = await made('damaged.pem', 'CN=x', 'CN=y', [
      ['1.3.6.1.5.5.7.1.3', Buffer.from([0x30, 0x84, 1])],
    ]);
    const [report] = await json('inspect', file);
    expect(report.identities[0]).toMatchObject({ subject: 'CN=x' });
    expect(report.identities[0].statements).toBeUndefined();
  });

  it('shows a certificate whose dates are none', async () => {
    const bytes = Buffer.from(new X509Certificate(alice.cert).raw);
    const dates = bytes.toString('latin1').search(/\d{12}Z..\d{12}Z/s);
    for (const month of [2, 17]) bytes.write('13', dates + month, 'latin1');
    await writeFile(at('undated.cer'), bytes);
    const { code, out } = await clientcert('inspect', at('undated.cer'));
    expect(out).toMatch(/Valid +an unreadable date to an unreadable date, nobody can say/);
    expect(code).toBe(0);
  });

  it("says of a public authority's certificate for servers and clients that this ends, and of others not", async () => {
    const code = async (issuer: string, ...ids: string[]) => {
      const [report] = await json('inspect', await made('public.pem', 'CN=client', issuer, [usages(...ids)]));
      return report.identities[0].notes.map((note: { code: string }) => note.code);
    };
    expect(await code('C=US, O=DigiCert Inc, CN=Some TLS CA', client, server)).toEqual([
      'PUBLIC_CLIENT_AUTH_ENDS',
    ]);
    expect(await code('C=US, O=DigiCert Inc, CN=Some Client CA', client)).toEqual([]);
    expect(await code('O=Private BV, CN=Private CA', client, server)).toEqual([]);
    const { out } = await clientcert('inspect', at('public.pem'));
    expect(out).not.toContain('2027-03-15');
    await code('C=US, O=DigiCert Inc, CN=Some TLS CA', client, server);
    expect((await clientcert('inspect', at('public.pem'))).out).toContain('2027-03-15');
  });

  it('does not miss an intermediate where the issuer is plainly the root', async () => {
    const warnings = async (issuer: string) => {
      const [report] = await json('inspect', await made('lone.pem', 'CN=x', issuer, [usages(client)]));
      return report.identities[0].warnings.map((warning: { code: string }) => warning.code);
    };
    expect(await warnings('O=Example BV, CN=Example Root CA G2')).toEqual([]);
    expect((await clientcert('inspect', at('lone.pem'))).out).toContain(
      'CN=Example Root CA G2, O=Example BV (not in the file)',
    );
    expect(await warnings('O=Example BV, CN=Example Issuing CA')).toEqual(['CHAIN_INCOMPLETE']);
    expect(await warnings('CN=Root Intermediate 1')).toEqual(['CHAIN_INCOMPLETE']);
    const { out } = await clientcert('inspect', at('lone.pem'));
    expect(out).toContain('would work, with a warning');
    expect(out).toContain('└─ CN=Root Intermediate 1 (not in the file)');
  });

  it('names no missing issuer where the chain is whole', async () => {
    await writeFile(at('whole.pem'), alice.fullChain + authority.certificate + alice.key, { mode: 0o600 });
    const [report] = await json('inspect', at('whole.pem'));
    expect(report.identities[0].missingIssuer).toBeNull();
  });

  it('takes a chain in PKCS#7 beside certificate and key', async () => {
    await writeFile(at('leaf.crt'), alice.cert);
    await writeFile(at('leaf.key'), alice.key, { mode: 0o600 });
    await writeFile(at('chain.pem'), alice.chain);
    expect((await clientcert('convert', at('chain.pem'), '--to', 'p7b', '--out', at('chain.p7b'))).code).toBe(
      0,
    );
    const reports = await json('inspect', at('leaf.crt'), at('leaf.key'), at('chain.p7b'));
    expect(reports.at(-1)).toMatchObject({
      verdict: 'good',
      identities: [{ subject: 'CN=alice', warnings: [] }],
    });
    const { out } = await clientcert('inspect', at('leaf.crt'), at('leaf.key'), at('chain.p7b'));
    // On Windows in double quotes, for the backslashes.
    const config = out.replaceAll('"', "'").replaceAll('\\\\', '\\');
    const [cert, chain, key] = ['leaf.crt', 'chain.p7b', 'leaf.key'].map((name) => `'${at(name)}'`);
    expect(config).toContain(`cert: [${cert}, ${chain}],\n        key: ${key},`);
  });
});

describe('the prompt', () => {
  const onTerminal = () => Object.defineProperty(process.stdin, 'isTTY', { value: true, configurable: true });

  it('asks again where what was typed is wrong, and says so', async () => {
    onTerminal();
    prompt.mockResolvedValueOnce('wrong').mockResolvedValueOnce('secret');
    expect(await clientcert('inspect', at('bank.pfx'))).toMatchObject({ code: 0 });
    expect(prompt.mock.calls.map(([{ message }]) => message)).toEqual([
      `Passphrase of ${at('bank.pfx')}`,
      `Passphrase of ${at('bank.pfx')} (that was wrong)`,
    ]);
  });

  it('asks three times at most', async () => {
    onTerminal();
    prompt.mockResolvedValue('wrong');
    expect(await clientcert('inspect', at('bank.pfx'))).toMatchObject({ code: 1 });
    expect(prompt).toHaveBeenCalledTimes(3);
  });

  it('ends with 130 and says nothing where the person gives up (Ctrl-C)', async () => {
    onTerminal();
    prompt.mockRejectedValue(Object.assign(new Error('force closed'), { name: 'ExitPromptError' }));
    expect(await clientcert('inspect', at('bank.pfx'))).toEqual({ code: 130, out: '', err: '' });
  });

  it('writes nothing where the two new passphrases differ', async () => {
    onTerminal();
    prompt.mockResolvedValueOnce('one').mockResolvedValueOnce('two');
    const { code, err } = await clientcert('csr', '--subject', 'CN=x', '--out', at('never.csr'));
    expect([code, err]).toEqual([1, expect.stringContaining('not the same')]);
    await expect(json('inspect', at('never.key'))).resolves.toMatchObject([
      { error: { code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' } },
    ]);
  });
});
