import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readCertificate } from '../../src/load/index.ts';
import { fixture } from './manifest.ts';
import { chain, codeOf, ecKey, ecLeaf, identityPem, leaf, passphrase, pkcs8, rsaKey } from './material.ts';
import { certificateBag, keyBag, pfx, safe } from './write.ts';

const codes = async (source: Parameters<typeof readCertificate>[0]): Promise<string[]> =>
  (await readCertificate(source)).warnings.map(({ code }) => code);

afterEach(() => {
  vi.useRealTimers();
});

function at(date: string): void {
  vi.useFakeTimers({ now: new Date(date), toFake: ['Date'] });
}

describe('warnings', () => {
  it('dates', async () => {
    const source = { pfx: Buffer.from(identityPem) };
    at('2036-11-01');
    expect(await codes(source)).toEqual(['EXPIRING', 'EXPIRING', 'EXPIRING']); // the leaf and both intermediates
    const [warning] = (await readCertificate(source)).warnings;
    expect(warning!.message).toMatch(/expires on 2036-11-17 23:40 UTC, in 16 days/);
    expect((await readCertificate(source, { expiryWarningDays: 10 })).warnings).toEqual([]);
    at('2036-11-17T12:00:00Z');
    expect((await readCertificate(source)).warnings[0]!.message).toMatch(/23:40 UTC, in less than a day$/);
    at('2040-01-01');
    expect(await codes(source)).toContain('EXPIRED');
    at('2020-01-01');
    expect(await codes(source)).toContain('NOT_YET_VALID');
  });

  it.for([
    ['pfx/md5sig.p12', ['WEAK_SIGNATURE']],
    ['pfx/k256-rc2.p12', ['KEY_NOT_PRESENTABLE', 'LEGACY_ENCRYPTION']],
    ['pfx/bp256-aes.p12', ['KEY_NOT_PRESENTABLE']],
    ['pfx/p256explicit-aes.p12', ['KEY_NOT_PRESENTABLE']],
    ['extra/dsa.p12', ['WEAK_KEY', 'KEY_NOT_PRESENTABLE']],
    ['extra/rsa1024.p12', ['WEAK_KEY']],
    ['extra/rsa-pss-rc2.p12', ['LEGACY_ENCRYPTION']],
    ['extra/rc2-128.p12', ['LEGACY_ENCRYPTION']],
    ['extra/rc4-128.p12', ['LEGACY_ENCRYPTION']],
    ['extra/two-key-3des.p12', []],
    ['extra/camellia.p12', []],
    ['extra/mac-md5.p12', ['LEGACY_ENCRYPTION']],
    ['extra/mac-sha384.p12', ['LEGACY_ENCRYPTION']],
    ['extra/mac-sha512.p12', ['LEGACY_ENCRYPTION']],
    ['pfx/chain-unrelated.p12', ['UNRELATED_DROPPED']],
    ['pfx/leaf-last.p12', []],
    ['pfx/ed25519-aes.p12', []],
  ] as const)('%s: %s', async ([name, expected]) => {
    expect(await codes({ pfx: fixture(name), passphrase })).toEqual(expected);
  });

  it('name what they are about', async () => {
    const { warnings } = await readCertificate({ pfx: fixture('pfx/k256-rc2.p12'), passphrase });
    expect(warnings[0]!.message).toContain('secp256k1');
    expect(warnings[1]!.message).toContain('RC2-40');
  });
});

describe('several identities, one of them of use', () => {
  const file = pfx([
    safe(certificateBag(leaf.raw), keyBag(pkcs8(rsaKey)), certificateBag(ecLeaf.raw), keyBag(pkcs8(ecKey))),
  ]);

  it('is ambiguous while both are', async () => {
    expect(await codeOf(readCertificate({ pfx: file }))).toBe('IDENTITY_AMBIGUOUS');
  });

  it('takes the valid one, and says so (Node takes the first, expired)', async () => {
    // Same issuer, same dates in the fixtures: an expired twin cannot be told by date, so one by usage is.
    const found = await readCertificate({ pfx: fixture('extra/one-usable.p12'), passphrase });
    expect(found.certificate.subject).toContain('CN=rsa2');
    expect(found.warnings.map(({ code }) => code)).toEqual(['IDENTITY_CHOSEN']);
    const other = await readCertificate({
      pfx: fixture('extra/one-usable.p12'),
      passphrase,
      alias: 'server',
    });
    expect(other.warnings.map(({ code }) => code)).toEqual(['NO_CLIENT_AUTH']);
  });
});

// Only Nodes that strip types run the sources by themselves.
const itRunsSources = it.skipIf(!(process.features as { typescript?: unknown }).typescript);
itRunsSources('node-forge is imported when RC2 is met, and not before', () => {
  const script = `
    import { createRequire, syncBuiltinESMExports } from 'node:module';
    import { readCertificate } from ${JSON.stringify(new URL('../../src/load/index.ts', import.meta.url).href)};
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('node-forge'));
    const read = (pfx) => readCertificate({ pfx, passphrase: ${JSON.stringify(passphrase)} });
    const seen = [loaded()];
    await read(${JSON.stringify(fixture('pfx/windows-3des.pfx'))});
    seen.push(loaded());
    await read(${JSON.stringify(fixture('pfx/windows-old-rc2.pfx'))});
    seen.push(loaded());
    console.log(JSON.stringify(seen));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(stderr.replace(/^.*(?:ExperimentalWarning|--trace-warnings).*\n/gm, '')).toBe('');
  expect(JSON.parse(stdout)).toEqual([false, false, true]);
});

it('keeps the chain as it is sent: without the root', async () => {
  const found = await readCertificate({ pfx: fixture('pfx/leaf-last.p12'), passphrase });
  expect(found.chain.map(({ fingerprint256 }) => fingerprint256)).toEqual(
    chain.slice(1, 3).map(({ fingerprint256 }) => fingerprint256),
  );
});
