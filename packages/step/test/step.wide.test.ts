import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import { fromStepCa } from '../src/index.ts';
import { checkOptions } from '../src/options.ts';
import { createToken } from '../src/token.ts';
import { authority, defaults, load, paths, startBank, startEach, step } from './scene.ts';

startEach();

describe('fromStepCa(), in its further ways', () => {
  it('takes a token that there is, once; what is kept in files needs none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clientcert-step-'));
    try {
      const { provisioner, ...rest } = defaults();
      const token = await createToken(provisioner!, checkOptions(defaults()), AbortSignal.timeout(10_000));
      const options = { provisioner: undefined, token, files: { cert: join(folder, 'bank.pem') } };
      await using bank = await startBank();
      {
        await using credentials = await load(options);
        await bank.call(credentials);
      }
      await using credentials = await load(options);
      await bank.call(credentials);
      expect(bank.seen[1]).toEqual(bank.seen[0]);
      expect(paths()).toEqual(['/root/FINGERPRINT', '/1.0/sign']);
      await expect(ground.load(fromStepCa({ ...rest, token }), authority)).rejects.toMatchObject({
        message: expect.stringMatching(/sign: localhost:\d+ does not accept who asks \(401\)/),
        hint: expect.stringContaining('once'),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('takes roots in place of a fingerprint', async () => {
    await using _credentials = await load({ fingerprint: undefined, ca: step.root });
    expect(paths()).toEqual(['/1.0/sign']);
    await expect(load({ fingerprint: undefined, ca: authority.certificate })).rejects.toMatchObject({
      message: expect.stringContaining('cannot be reached'),
    });
    expect(paths()).toEqual(['/1.0/sign']);
  });

  it.each([
    ['P-384', 'sha384'],
    ['P-521', 'sha512'],
  ])('signs tokens with provisioner keys on %s', async (namedCurve, hash) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve });
    const key = JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'x' });
    const token = await createToken(
      { name: 'x', key },
      checkOptions(defaults()),
      AbortSignal.timeout(10_000),
    );
    const [head, claims, signature] = token.split('.');
    const verifier = { key: createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' } as const;
    expect(
      verify(hash, Buffer.from(`${head}.${claims}`), verifier, Buffer.from(signature!, 'base64url')),
    ).toBe(true);
  });

  describe('when there is none to be had', () => {
    it.each<[string, number, object | string, RegExp, RegExp]>([
      ['does not accept who asks', 401, { message: 'not authorized' }, /\(401\): not authorized/, /token/],
      ['refuses', 403, { message: 'names' }, /refuses it \(403\): names/, /claims/],
      ['does not accept the request', 400, { message: 'invalid csr' }, /\(400\): invalid csr/, /keyType/],
      ['fails', 500, 'oh', /answers 500/, /log/],
      ['sends elsewhere', 307, '', /redirect/, /no other/],
      ['answers something else', 200, '{}', /without a certificate/, /step-ca/],
    ])('it says that it %s', async (_, status, body, message, hint) => {
      step.answer = ({ path }) => (path.endsWith('sign') ? [status, body] : undefined);
      await expect(load()).rejects.toMatchObject({
        message: expect.stringMatching(new RegExp(`certificate "bank".*sign: localhost.*${message.source}`)),
        hint: expect.stringMatching(hint),
      });
    });
  });
});
