import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import type { StepCaOptions } from '../src/index.ts';
import { authority, load, paths, source, startBank, startEach, step } from './scene.ts';
import { startStep } from './server.ts';

startEach();

describe('fromStepCa()', () => {
  it('presents what step-ca signed for a token, with its chain', async () => {
    await using bank = await startBank();
    await using credentials = await load({ names: ['me.example', 'a.example'] });
    await bank.call(credentials);
    expect(bank.seen).toMatchObject([{ subject: 'CN=me.example', issuer: 'CN=Issuing' }]);
    expect(paths()).toEqual(['/root/FINGERPRINT', '/1.0/sign']);
    expect(step.requests[0]!.names).toEqual(['82 me.example', '82 a.example']);
  });

  it('makes tokens for the names that are asked for, each for once', async () => {
    await using _credentials = await load({ ttl: 7200 });
    const { claims, body } = step.asked.at(-1)!;
    expect(claims).toMatchObject({
      iss: 'me@step',
      aud: `${step.url}/1.0/sign`,
      sub: 'me.example',
      sans: ['me.example'],
      sha: step.fingerprint,
    });
    expect(Number(claims!.exp) - Number(claims!.iat)).toBe(300);
    expect(body.notAfter).toBe('7200s');
    await using _second = await load();
    expect(step.asked.at(-1)!.claims!.jti).not.toBe(claims!.jti);
    expect(JSON.stringify(step.asked)).not.toContain('PRIVATE KEY');
  });

  it('finds what is named by a relative path where it was named, wherever the process goes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clientcert-step-'));
    await writeFile(join(folder, 'root.pem'), step.root);
    await writeFile(join(folder, 'me.jwk'), step.jwk);
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder);
    onTestFinished(() => cwd.mockRestore()); // files share a process
    const provisioner = { name: 'me@step', key: { file: 'me.jwk' } };
    const made = source({ fingerprint: undefined, ca: 'root.pem', provisioner });
    cwd.mockRestore();
    (await ground.load(made, authority)).close();
    expect(paths()).toEqual(['/1.0/sign']);
    await rm(folder, { recursive: true });
  });

  describe('attack: secrets that show', () => {
    it('a server with another root is shown neither token nor certificate', async () => {
      await using other = await startStep();
      other.answer = ({ path }) => (path.startsWith('/root/') ? [200, { ca: other.root }] : undefined);
      await expect(load({ address: other.url })).rejects.toMatchObject({
        message: expect.stringMatching(/root: what localhost:\d+ says is its root has another fingerprint/),
      });
      // One that knows the right root, and has not its key.
      other.answer = ({ path }) => (path.startsWith('/root/') ? [200, { ca: step.root }] : undefined);
      await expect(load({ address: other.url })).rejects.toMatchObject({
        message: expect.stringContaining('cannot be reached'),
      });
      expect(other.asked.map(({ path, client }) => [path.slice(0, 6), client])).toEqual(
        Array(2).fill(['/root/', undefined]),
      );
    });

    it('neither token nor key is in an error, even where step-ca repeats it', async () => {
      step.answer = ({ path, body }) =>
        path.endsWith('sign') ? [401, { message: `bad token ${body.ott}\u001b[31m` }] : undefined;
      const error = await load().catch((reason: Error) => reason);
      expect(error).toMatchObject({ message: expect.stringContaining('bad token …') });
      const shown = inspect([error, source()], { depth: 20, showHidden: true });
      for (const secret of [step.asked.at(-1)!.body.ott!, JSON.parse(step.jwk).d, '\u001b'])
        expect(shown).not.toContain(secret);
      const key = JSON.stringify({ ...JSON.parse(step.jwk), kty: 'very-secret' });
      const wrong = await load({ provisioner: { name: 'x', key } }).catch((reason: Error) => reason);
      expect(wrong).toMatchObject({ message: expect.stringContaining('no private key as JSON') });
      expect(inspect(wrong, { depth: 20 })).not.toContain('very-secret');
    });
  });

  it.each<[string, Partial<Record<keyof StepCaOptions, unknown>>, string]>([
    ['no address', { address: '' }, 'no address'],
    ['an address that is not https:', { address: 'http://ca.example' }, 'not https:'],
    ['a fingerprint that is none', { fingerprint: 'ab:cd' }, 'no SHA-256'],
    ['fingerprint and ca', { ca: 'root.pem' }, 'fingerprint and ca'],
    ['token and provisioner', { token: 'x' }, 'token and provisioner'],
    ['nobody who asks', { provisioner: undefined }, 'nothing says who asks'],
    ['a provisioner without its key', { provisioner: { name: 'x', key: undefined } }, 'provisioner.key'],
    ['no common name', { commonName: '' }, 'commonName'],
    ['a ttl that is none', { ttl: 'tomorrow' }, 'no duration'],
    ['a kind of key that is unknown', { keyType: 'dsa' }, 'keyType'],
    ['a rekey that is none', { rekey: 'yes' }, 'rekey'],
    ['an option that is unknown', { fingerprnt: 'x' } as object, '"fingerprnt"'],
  ])('refuses %s at once', (_, options, said) => {
    expect(() => source(options as Partial<StepCaOptions>)).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`^fromStepCa\\(\\): .*${said}`)),
      }),
    );
  });
});
