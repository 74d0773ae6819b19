import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { expect, it, vi } from 'vitest';

it('examples/guides/token.json names a key on a token, and its error says what is in examples/guides/token.ini', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-token-'));
  try {
    const { cert } = await (await createAuthority()).issue({ name: 'bank' });
    await writeFile(join(directory, 'bank.cer'), cert);
    await copyFile(new URL('../guides/token.json', import.meta.url), join(directory, 'token.json'));
    vi.stubEnv('BANK_PIN', 'Sesame-4711');
    const config = await readFile(new URL('../guides/token.ini', import.meta.url), 'utf8');
    // Where it works is tested on tokens: packages/core/test/token.
    await expect(loadCredentials(join(directory, 'token.json'))).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROVIDER_MISSING',
      hint: expect.stringContaining(config.trim()),
    });
  } finally {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  }
});

it('examples/guides/token-engine.json names the engine that reaches it, and its error says how to install one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-token-'));
  try {
    const { cert } = await (await createAuthority()).issue({ name: 'bank' });
    await writeFile(join(directory, 'bank.cer'), cert);
    const written = await readFile(new URL('../guides/token-engine.json', import.meta.url), 'utf8');
    // A path of its own, so that the test does the same where there is one.
    const config = written.replace(/"\/usr\/lib\/[^"]*\/pkcs11.so"/, '"away/pkcs11.so"');
    expect(config).not.toBe(written);
    await writeFile(join(directory, 'token-engine.json'), config);
    vi.stubEnv('BANK_PIN', 'Sesame-4711');
    await expect(loadCredentials(join(directory, 'token-engine.json'))).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_ENGINE_FAILED',
      message: expect.stringContaining(join(directory, 'away/pkcs11.so')),
      hint: expect.stringContaining('libengine-pkcs11-openssl'),
    });
  } finally {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  }
});
