import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, createSelfSigned, type KeyType, startServer } from '../src/index.ts';
import { hasOpenssl, openssl } from './openssl.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-testing-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('createAuthority', () => {
  it('makes a root that signs itself and may sign others', async () => {
    const authority = await createAuthority({ name: 'Bank Root' });
    const root = new X509Certificate(authority.certificate);
    expect(root.subject).toBe('CN=Bank Root');
    expect(root.verify(root.publicKey)).toBe(true);
    expect(root.ca).toBe(true);
    expect(authority.chain).toBe('');
    expect(authority.parent).toBeUndefined();
  });

  it('puts intermediates between the root and what it issues', async () => {
    const authority = await createAuthority({ name: 'Bank', intermediates: 2 });
    const leaf = await authority.issue({ name: 'alice' });
    const [lower, upper] = certificatesIn(leaf.chain) as [X509Certificate, X509Certificate];
    expect(certificatesIn(leaf.chain)).toHaveLength(2);
    expect([lower.subject, upper.subject]).toEqual(['CN=Bank Intermediate 2', 'CN=Bank Intermediate 1']);
    expect(new X509Certificate(leaf.cert).checkIssued(lower)).toBe(true);
    expect(lower.checkIssued(upper)).toBe(true);
    expect(upper.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
    expect(leaf.ca).toBe(authority.certificate);
    expect(new X509Certificate(authority.certificate).subject).toBe('CN=Bank');
  });

  it('grows a chain step by step', async () => {
    const root = await createAuthority();
    const clients = await root.issueAuthority({ name: 'Clients', keyType: 'rsa' });
    const leaf = await clients.issue({ name: 'alice' });
    expect(leaf.issuer).toBe('CN=Clients');
    expect(new X509Certificate(leaf.chain).publicKey.asymmetricKeyType).toBe('rsa');
    expect(clients.certificate).toBe(root.certificate);
    expect(clients.parent).toBe(root);
  });

  it.each<[KeyType, string]>([
    ['ec', 'ec'],
    ['rsa', 'rsa'],
    ['ed25519', 'ed25519'],
    ['ed448', 'ed448'],
    [{ ec: 'P-521' }, 'ec'],
  ])('signs with a key of type %o', async (keyType, expected) => {
    const authority = await createAuthority({ keyType });
    const root = new X509Certificate(authority.certificate);
    const leaf = new X509Certificate((await authority.issue({ name: 'alice' })).cert);
    expect(root.publicKey.asymmetricKeyType).toBe(expected);
    expect(leaf.verify(root.publicKey)).toBe(true);
  });

  const mlDsa = ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const;
  const hasMlDsa = Number.parseInt(process.versions.node, 10) >= 24;

  it.runIf(hasMlDsa).each(mlDsa)('issues %s certificates that a server takes', async (keyType) => {
    const authority = await createAuthority({ keyType, intermediates: 1 });
    const alice = await authority.issue({ name: 'alice', keyType });
    await using server = await startServer({ authority });
    const options = { ca: authority.certificate, cert: alice.fullChain, key: alice.key };
    const [response] = await once(get(server.url, { ...options, agent: false }), 'response');
    response.resume();
    expect(server.requests[0]?.clientCertificate?.fingerprint256).toBe(alice.fingerprint256);
    expect(server.requests[0]?.authorized).toBe(true);
    expect(new X509Certificate(alice.cert).publicKey.asymmetricKeyType).toBe(keyType);
  });

  it.skipIf(hasMlDsa)('says which Node has ML-DSA', async () => {
    await expect(createAuthority({ keyType: 'ml-dsa-65' })).rejects.toThrow(/use Node 24 or newer/);
  });

  it('refuses a key that cannot sign', async () => {
    await expect(createAuthority({ keyType: 'rsa-pss' })).rejects.toThrow(/"rsa-pss" cannot sign/);
  });

  it.runIf(hasOpenssl)('is accepted by openssl verify, strictly', async () => {
    for (const keyType of ['ec', 'rsa', 'ed25519'] as const) {
      const authority = await createAuthority({ keyType, intermediates: 1 });
      const leaf = await authority.issue({
        name: 'alice',
        subject: { C: 'NL', O: 'Bänk' },
        hosts: ['::1', 'a.example'],
      });
      const paths = await writeAll({ root: authority.certificate, chain: authority.chain, leaf: leaf.cert });
      const args = ['verify', '-x509_strict', '-CAfile', paths.root, '-untrusted', paths.chain, paths.leaf];
      expect(openssl(...args)).toContain('OK');
    }
  });

  it.runIf(hasOpenssl)('revokes: openssl refuses what the lists name', async () => {
    const authority = await createAuthority({ intermediates: 1 });
    const [good, bad] = [await authority.issue({ name: 'good' }), await authority.issue({ name: 'bad' })];
    const paths = await writeAll({
      root: authority.certificate,
      chain: authority.chain,
      lists: authority.revocationLists([bad]).join(''),
      good: good.cert,
      bad: bad.cert,
    });
    const args = [
      'verify',
      '-crl_check_all',
      '-CRLfile',
      paths.lists,
      '-CAfile',
      paths.root,
      '-untrusted',
      paths.chain,
    ];
    expect(openssl(...args, paths.good)).toContain('OK');
    expect(() => openssl(...args, paths.bad)).toThrow(/certificate revoked/);
  });
});

describe('authority.issue', () => {
  it('describes the certificate as Node does', async () => {
    const authority = await createAuthority();
    const leaf = await authority.issue({
      name: 'alice',
      subject: { C: 'NL', O: 'Bänk, "N.V."' },
      serialNumber: 'f00d',
    });
    const certificate = new X509Certificate(leaf.cert);
    expect(leaf.subject).toBe(certificate.subject);
    expect(leaf.subject.split('\n')).toEqual(['C=NL', expect.stringContaining('O=Bänk'), 'CN=alice']);
    expect(leaf.fingerprint256).toBe(certificate.fingerprint256);
    expect(leaf.serialNumber).toBe('F00D');
    expect(leaf.issuer).toBe('CN=Test Authority');
  });

  it('gives each certificate a key and serial number of its own', async () => {
    const authority = await createAuthority();
    const [one, two] = [await authority.issue({ name: 'a' }), await authority.issue({ name: 'a' })];
    expect(one.serialNumber).not.toBe(two.serialNumber);
    expect(one.key).not.toBe(two.key);
  });

  it.each<[KeyType, string, object]>([
    ['ec', 'ec', { namedCurve: 'prime256v1' }],
    [{ ec: 'P-384' }, 'ec', { namedCurve: 'secp384r1' }],
    [{ ec: 'secp256k1' }, 'ec', { namedCurve: 'secp256k1' }],
    ['rsa', 'rsa', { modulusLength: 2048 }],
    [{ rsa: 1024 }, 'rsa', { modulusLength: 1024 }],
    ['rsa-pss', 'rsa-pss', { modulusLength: 2048 }],
    ['ed25519', 'ed25519', {}],
  ])('certifies a key of type %o', async (keyType, type, details) => {
    const leaf = await (await createAuthority()).issue({ name: 'alice', keyType });
    const { publicKey } = new X509Certificate(leaf.cert);
    expect(publicKey.asymmetricKeyType).toBe(type);
    expect(publicKey.asymmetricKeyDetails).toMatchObject(details);
  });

  it('certifies a key that the caller brings, as in a renewal', async () => {
    const authority = await createAuthority();
    const first = await authority.issue({ name: 'alice' });
    const renewed = await authority.issue({ name: 'alice', key: first.key });
    expect(renewed.key).toBe(first.key);
    expect(renewed.fingerprint256).not.toBe(first.fingerprint256);
  });

  it('dates certificates: valid by default, expired and not yet valid on request', async () => {
    const authority = await createAuthority();
    const days = async (options: object) => {
      const { validFrom, validTo } = await authority.issue({ name: 'a', ...options });
      return [validFrom, validTo].map((date) => Math.round((Date.parse(date) - Date.now()) / 86_400_000));
    };
    expect(await days({})).toEqual([expect.closeTo(0), 365]);
    expect(await days({ expired: true })).toEqual([-30, -1]);
    expect(await days({ notYetValid: true })).toEqual([1, 366]);
    const notAfter = new Date('2071-02-03T04:05:06Z');
    expect((await authority.issue({ name: 'a', notAfter })).validTo).toBe('Feb  3 04:05:06 2071 GMT');
  });

  it('states hosts and usage', async () => {
    const authority = await createAuthority();
    const purposes = async (options: object) => {
      const certificate = new X509Certificate((await authority.issue({ name: 'a', ...options })).cert);
      return certificate.keyUsage ?? [];
    };
    const [client, server] = ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'];
    expect(await purposes({})).toEqual([client]);
    expect(await purposes({ hosts: ['a.example'] })).toEqual([server]);
    expect(await purposes({ usage: 'both' })).toEqual([client, server]);
    expect(await purposes({ usage: 'email' })).toEqual(['1.3.6.1.5.5.7.3.4']);
    expect(await purposes({ usage: 'none' })).toEqual([]);
    const leaf = await authority.issue({ name: 'a', hosts: ['api.example', '127.0.0.1', '::1'] });
    expect(new X509Certificate(leaf.cert).subjectAltName).toBe(
      'DNS:api.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    const uris = ['spiffe://bank.example/payments'];
    const workload = await authority.issue({ name: 'a', uris });
    expect(new X509Certificate(workload.cert).subjectAltName).toBe(`URI:${uris[0]}`);
    expect(await purposes({ uris })).toEqual([client, server]);
    expect(await purposes({ uris, hosts: ['a.example'] })).toEqual([server]);
  });

  it('signs with SHA-1 on request', async () => {
    const leaf = await (await createAuthority()).issue({ name: 'old', hash: 'sha1' });
    const ecdsaWithSha1 = Buffer.from('06072a8648ce3d0401', 'hex');
    expect(new X509Certificate(leaf.cert).raw.includes(ecdsaWithSha1)).toBe(true);
  });

  it('names what it does not understand', async () => {
    const authority = await createAuthority();
    const bad = (options: object) => authority.issue({ name: 'a', ...options });
    await expect(bad({ keyType: 'dsa' })).rejects.toThrow(/Unknown key type "dsa"/);
    await expect(bad({ usage: 'code' })).rejects.toThrow(/Unknown usage "code"/);
    await expect(bad({ hash: 'md5' })).rejects.toThrow(/Unknown hash "md5"/);
    await expect(bad({ subject: { Country: 'NL' } })).rejects.toThrow(/Unknown subject attribute "Country"/);
    await expect(bad({ serialNumber: '12:34' })).rejects.toThrow(/"12:34" is not hexadecimal/);
  });

  it('never prints a key', async () => {
    const authority = await createAuthority();
    const leaf = await authority.issue({ name: 'alice' });
    const secret = leaf.key.split('\n')[1]!;
    for (const object of [leaf, authority]) {
      expect(inspect(object, { depth: 12, showHidden: true, getters: false })).not.toContain(secret);
      expect(JSON.stringify(object)).not.toContain(secret);
    }
    expect(inspect(leaf)).toContain(leaf.fingerprint256);
  });
});

describe('createSelfSigned', () => {
  it('vouches for itself alone', async () => {
    const stranger = await createSelfSigned({ name: 'mallory', keyType: 'rsa' });
    const certificate = new X509Certificate(stranger.cert);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(stranger.ca).toBe(stranger.cert);
    expect(certificate.ca).toBe(false);
  });
});

describe('files', () => {
  it('writes certificate, key, PFX and root, the secret ones for the owner alone', async () => {
    const authority = await createAuthority({ intermediates: 1 });
    const leaf = await authority.issue({ name: 'alice / bob' });
    const paths = await leaf.files(join(directory, 'new'));
    expect(paths.pfx).toBe(join(directory, 'new', 'alice_bob.pfx'));
    expect(await readFile(paths.cert, 'utf8')).toBe(leaf.cert + leaf.chain);
    expect(await readFile(paths.key, 'utf8')).toBe(leaf.key);
    expect(await readFile(paths.ca, 'utf8')).toBe(authority.certificate);
    if (process.platform === 'win32') return;
    for (const path of [paths.key, paths.pfx]) expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('encrypts the key with the passphrase', async () => {
    const leaf = await (await createAuthority()).issue({ name: 'carol' });
    const { key } = await leaf.files(directory, { passphrase: 'secret' });
    expect(await readFile(key, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  });
});

function certificatesIn(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

let written = 0;
async function writeAll<Name extends string>(texts: Record<Name, string>): Promise<Record<Name, string>> {
  const paths = {} as Record<Name, string>;
  for (const name of Object.keys(texts) as Name[]) {
    paths[name] = join(directory, `${++written}-${name}.pem`);
    await writeFile(paths[name], texts[name]);
  }
  return paths;
}
