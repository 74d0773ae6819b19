import { X509Certificate } from 'node:crypto';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { authority, createSource, fingerprintOf, goOn, load } from './scene.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('files of renewing()', () => {
  let folder: string;
  let cert: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clientcert-kept-'));
    cert = join(folder, 'bank.pem');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('hold nothing that cannot be presented', async () => {
    const { issue, source } = createSource({ files: { cert } });
    const [mine, other] = await Promise.all([1, 2].map(() => authority.issue({ name: 'me' })));
    issue.mockResolvedValueOnce({ cert: mine!.fullChain, key: other!.key });
    await expect(load(source)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_KEY_MISMATCH' });
    await expect(readFile(cert)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('of a certificate that has ended are not the beginning of the next', async () => {
    (await load(createSource({ files: { cert } }).source)).close();
    goOn(25);
    const { issue, source } = createSource({ files: { cert } });
    await using _credentials = await load(source);
    expect(issue).toHaveBeenCalledWith(undefined);
  });

  it.each(['one', 'two'])('in %s hold an encrypted key where there is a passphrase', async (count) => {
    const key = count === 'two' ? join(folder, 'bank.key') : undefined;
    const files = { cert, key, passphrase: async () => 'a secret' };
    const { source } = createSource({ files });
    await using before = await load(source);
    expect(await readFile(key ?? cert, 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    const again = createSource({ files });
    await using credentials = await load(again.source);
    expect(fingerprintOf(credentials)).toBe(fingerprintOf(before));
    expect(again.issue).not.toHaveBeenCalled();
    const wrong = createSource({ files: { ...files, passphrase: 'another' } });
    await expect(load(wrong.source)).rejects.toThrow(/passphrase/);
    expect(wrong.issue).not.toHaveBeenCalled();
  });

  it('whose passphrase is not told once are read when it is', async () => {
    (await load(createSource({ files: { cert, passphrase: 'a secret' } }).source)).close();
    const passphrase = vi.fn(async () => 'a secret').mockReturnValueOnce(new Promise(() => {}));
    const { issue, source } = createSource({ files: { cert, passphrase } });
    const ending = new AbortController();
    const reading = source({ signal: ending.signal })[Symbol.asyncIterator]().next();
    await expect.poll(() => passphrase.mock.calls.length).toBe(1);
    const told = expect(reading).rejects.toThrow('too late');
    ending.abort(new Error('too late'));
    await using _credentials = await load(source);
    await told;
    expect(issue).not.toHaveBeenCalled();
  });

  it.each(['key', 'cert'] as const)('that are a %s alone are left alone', async (alone) => {
    const files = { cert, key: join(folder, 'bank.key') };
    await writeFile(files[alone], (await authority.issue({ name: 'mine' }))[alone]);
    const { issue, source } = createSource({ files });
    await expect(load(source)).rejects.toMatchObject({
      message: expect.stringMatching(/bank\.(key|pem)" is there, and ".*bank\.(key|pem)" is not/),
    });
    expect(issue).not.toHaveBeenCalled();
  });

  it.each([0, 1, 2, 3])('that were being written are read whole, stopped after step %d', async (step) => {
    const key = join(folder, 'bank.key');
    const { source } = createSource({ files: { cert, key } });
    await using before = await load(source);
    const next = await authority.issue({ name: 'me' });
    // As it is done: beside, the former ones, the key, the certificate.
    await writeFile(`${key}.new`, next.key);
    await writeFile(`${cert}.new`, step > 0 ? next.fullChain : next.fullChain.slice(0, 300));
    if (step > 1) await copyFile(key, `${key}.old`);
    if (step > 2) await rename(`${key}.new`, key);
    const again = createSource({ files: { cert, key } });
    await using credentials = await load(again.source);
    expect(fingerprintOf(credentials)).toBe(step > 2 ? next.fingerprint256 : fingerprintOf(before));
    expect(again.issue).not.toHaveBeenCalled();
  });

  it('that links lead to are read whole, stopped between one and the other', async () => {
    const there = join(folder, 'there');
    await mkdir(there);
    const files = { cert, key: join(folder, 'bank.key') };
    const { source } = createSource({ files });
    (await load(source)).close();
    for (const path of Object.values(files)) {
      await rename(path, join(there, basename(path)));
      await symlink(join(there, basename(path)), path);
    }
    goOn(20);
    await using next = await load(source);
    await new Promise((resolve) => next.on('rotate', resolve));
    await expect.poll(() => readFile(join(there, 'bank.pem.old')).catch(() => null)).not.toBeNull();
    vi.restoreAllMocks();
    // Before the certificate took the place of the former one.
    await rename(join(there, 'bank.pem'), join(there, 'bank.pem.new'));
    await rename(join(there, 'bank.pem.old'), join(there, 'bank.pem'));
    const again = createSource({ files });
    await using credentials = await load(again.source);
    expect(fingerprintOf(credentials)).toBe(fingerprintOf(next));
    expect(again.issue).not.toHaveBeenCalled();
  });

  it('that two links lead to one file of hold both, the certificate and its key', async () => {
    const files = { cert, key: join(folder, 'bank.key') };
    const there = join(folder, 'there.pem');
    const notAfter = new Date(Date.now() + 86_400_000);
    const { fullChain, key } = await authority.issue({ name: 'me', notAfter });
    await writeFile(there, fullChain + key);
    for (const path of Object.values(files)) await symlink(there, path);
    goOn(25);
    await using issued = await load(createSource({ files }).source);
    vi.restoreAllMocks();
    const again = createSource({ files });
    await using credentials = await load(again.source);
    expect(fingerprintOf(credentials)).toBe(fingerprintOf(issued));
    expect(again.issue).not.toHaveBeenCalled();
  });

  it.each(['one', 'two'])('in %s that were taken away are not looked for in the former', async (count) => {
    const files = { cert, ...(count === 'two' && { key: join(folder, 'bank.key') }) };
    const { source } = createSource({ files });
    (await load(source)).close();
    goOn(20);
    {
      await using next = await load(source);
      await new Promise((resolve) => next.on('rotate', resolve));
    }
    vi.restoreAllMocks();
    expect(await readFile(`${cert}.old`, 'utf8')).toContain('CERTIFICATE');
    for (const name of await readdir(folder)) if (!name.endsWith('.old')) await rm(join(folder, name));
    const again = createSource({ files });
    await using _credentials = await load(again.source);
    expect(again.issue).toHaveBeenCalledExactlyOnceWith(undefined);
  });

  it('that cannot be written are written later, without another certificate', async () => {
    const late = join(folder, 'late');
    const { issue, source } = createSource({ files: { cert: join(late, 'bank.pem') } });
    await using credentials = await load(source);
    const error = await new Promise((resolve) => credentials.on('error', resolve));
    expect(error).toMatchObject({ message: expect.stringMatching(/cannot be written to ".*bank\.pem"/) });
    await mkdir(late);
    await expect.poll(() => readFile(join(late, 'bank.pem'), 'utf8').catch(() => '')).toContain('KEY');
    expect(issue).toHaveBeenCalledTimes(1);
  });

  it('that were cut off anywhere are read from the former, or not at all', async () => {
    const { issue, source } = createSource({ files: { cert } });
    (await load(source)).close();
    goOn(20);
    await using next = await load(source);
    await new Promise((resolve) => next.on('rotate', resolve));
    await expect.poll(() => readFile(`${cert}.old`).catch(() => null)).not.toBeNull();
    vi.restoreAllMocks();
    const [whole, former] = await Promise.all([cert, `${cert}.old`].map((path) => readFile(path, 'utf8')));
    const good = [whole, former].map((text) => new X509Certificate(text!).fingerprint256);
    expect(issue).toHaveBeenCalledTimes(2);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole!.length), async (length) => {
        await writeFile(cert, whole!.slice(0, length));
        const again = createSource({ files: { cert } });
        await using credentials = await load(again.source);
        expect(good).toContain(fingerprintOf(credentials));
        expect(again.issue).not.toHaveBeenCalled();
      }),
      { numRuns: 10 },
    );
    await rm(`${cert}.old`);
    await writeFile(cert, whole!.slice(0, 500));
    await expect(load(createSource({ files: { cert } }).source)).rejects.toThrow('bank.pem');
    expect(await readFile(cert, 'utf8')).toBe(whole!.slice(0, 500));
  });
});
