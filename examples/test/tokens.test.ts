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
