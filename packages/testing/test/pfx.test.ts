import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type PfxEncryption, writePfx } from '../src/index.ts';
import { hasOpenssl, openssl } from './openssl.ts';

let directory: string;
let authority: Authority;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-testing-'));
  authority = await createAuthority({ intermediates: 1 });
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const ENCRYPTIONS: PfxEncryption[] = ['modern', 'legacy-3des', 'legacy-rc2'];
const PASSPHRASES = ['secret', '', 'pässwörd 密码 🔑'];

describe.runIf(hasOpenssl)('openssl reads', () => {
  for (const encryption of ENCRYPTIONS) {
    it.each(['ec', 'rsa', 'ed25519'] as const)(`${encryption} with a key of type %s`, async (keyType) => {
      const client = await authority.issue({ name: 'alice', keyType });
      for (const passphrase of PASSPHRASES) {
        const text = await readPfx(await client.pfx(passphrase, { encryption }), passphrase);
        expect(text).toContain(ALGORITHMS[encryption].key);
        expect(text).toContain(ALGORITHMS[encryption].certificates);
        expect(text).toContain('friendlyName: alice');
        expect(text).toContain(client.key.trim());
        expect(fingerprints(text)).toEqual([client.fingerprint256, fingerprint(client.chain)]);
      }
    });
  }

  it('the iterations, the MAC, the name and the chain that were asked for', async () => {
    const client = await authority.issue({ name: 'alice' });
    const text = await readPfx(
      await client.pfx('secret', {
        iterations: 777,
        mac: 'sha512',
        friendlyName: 'Ünser Schlüssel',
        chain: false,
      }),
      'secret',
    );
    expect(text).toContain('MAC: sha512, Iteration 777');
    expect(text).toContain('AES-256-CBC, Iteration 777');
    expect(fingerprints(text)).toEqual([client.fingerprint256]);
    const nameless = await readPfx(await client.pfx('secret', { friendlyName: false }), 'secret');
    expect(nameless).not.toContain('friendlyName');
    const replaced = await readPfx(await client.pfx('secret', { chain: authority.certificate }), 'secret');
    expect(fingerprints(replaced)).toEqual([client.fingerprint256, fingerprint(authority.certificate)]);
  });

  it('several identities, and their common chain once', async () => {
    const alice = await authority.issue({ name: 'alice' });
    const bob = await authority.issue({ name: 'bob', keyType: 'rsa' });
    const text = await readPfx(await writePfx([alice, bob], 'secret'), 'secret');
    expect(text).toContain(alice.key.trim());
    expect(text).toContain(bob.key.trim());
    expect(fingerprints(text)).toEqual([alice.fingerprint256, bob.fingerprint256, fingerprint(alice.chain)]);
  });

  it('refuses another passphrase', async () => {
    const client = await authority.issue({ name: 'alice' });
    for (const encryption of ENCRYPTIONS) {
      const pfx = await client.pfx('secret', { encryption });
      await expect(readPfx(pfx, 'Secret')).rejects.toThrow(/invalid password/i);
    }
  });
});

describe('Node reads', () => {
  it.each(['modern', 'legacy-3des'] as const)('%s', async (encryption) => {
    for (const keyType of ['ec', 'rsa'] as const) {
      const client = await authority.issue({ name: 'alice', keyType });
      for (const passphrase of PASSPHRASES) {
        const pfx = await client.pfx(passphrase, { encryption });
        createSecureContext({ pfx, passphrase });
        expect(() => createSecureContext({ pfx, passphrase: 'other' })).toThrow();
      }
    }
  });

  it('not RC2, which is why it is here', async () => {
    const client = await authority.issue({ name: 'alice' });
    const pfx = await client.pfx('secret', { encryption: 'legacy-rc2' });
    expect(() => createSecureContext({ pfx, passphrase: 'secret' })).toThrow();
  });

  it('a PFX without a MAC has none', async () => {
    const client = await authority.issue({ name: 'alice' });
    const [without, withMac] = [await client.pfx('secret', { mac: false }), await client.pfx('secret')];
    expect(withMac.length - without.length).toBeGreaterThan(60);
  });
});

it('names what it does not understand', async () => {
  const client = await authority.issue({ name: 'alice' });
  await expect(client.pfx('x', { encryption: 'rc4' as never })).rejects.toThrow(
    /Unknown PFX encryption "rc4"/,
  );
  await expect(client.pfx('x', { mac: 'md5' as never })).rejects.toThrow(/Unknown PFX mac "md5"/);
});

const ALGORITHMS = {
  modern: {
    key: 'Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256',
    certificates: 'Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256',
  },
  'legacy-3des': {
    key: 'Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048',
    certificates: 'Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048',
  },
  'legacy-rc2': {
    key: 'Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048',
    certificates: 'Encrypted data: pbeWithSHA1And40BitRC2-CBC, Iteration 2048',
  },
};

let written = 0;
async function readPfx(pfx: Buffer, passphrase: string): Promise<string> {
  const path = join(directory, `${++written}.pfx`);
  const secret = join(directory, `${written}.txt`);
  await writeFile(path, pfx);
  await writeFile(secret, `${passphrase}\n`);
  return openssl('pkcs12', '-in', path, '-passin', `file:${secret}`, '-info', '-nodes', '-legacy');
}

function fingerprints(text: string): string[] {
  return (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(fingerprint);
}

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}
