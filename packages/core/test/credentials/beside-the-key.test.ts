import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';
import type { FileSource } from '../../src/types.ts';
import { get, subjects } from '../support.ts';

let authority: Authority;
let old: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  old = await authority.issue({ name: 'old' });
});

/** As HAProxy and others have it: key and certificate in one file. */
const combined = () => old.key + old.fullChain;

/** Whom a server sees with this certificate, and how often. */
async function seenWith(source: FileSource): Promise<(string | null)[]> {
  await using server = await startServer({ authority, clientCertificate: 'optional' });
  await using credentials = await loadCredentials({
    certificates: { bank: { ca: authority.certificate, ...source } },
    hosts: { [`127.0.0.1:${server.port}`]: 'bank' },
  });
  credentials.on('warning', () => {});
  await get(server.url, { agent: credentials.agent() });
  return subjects(server);
}

describe('attack: identities that mix', () => {
  it.each(['client', 'server'] as const)(
    'a renewed certificate is presented, for %ss too, and not the one that lies beside its key',
    async (usage) => {
      const renewed = await authority.issue({ name: 'renewed', key: old.key, usage });
      expect(await seenWith({ cert: renewed.cert, key: combined() })).toEqual(['renewed']);
    },
  );

  it('a key that is not that of the certificate is refused, whatever lies beside it', async () => {
    const other = await authority.issue({ name: 'other' });
    const load = (cert: string) =>
      loadCredentials({
        certificates: { bank: { cert, key: combined() } },
        hosts: { 'api.bank.example': 'bank' },
      });
    await expect(load(other.fullChain)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_KEY_MISMATCH' });
    await expect(load(authority.certificate)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_KEY_MISMATCH' });
  });

  it('by the name of a certificate that has no key in the file no other is presented, whatever its key is called', async () => {
    const bob = await authority.issue({ name: 'bob' });
    const named = (name: string, pem: string) => `friendlyName: ${name}\n${pem}`;
    const cert = named('bank', old.cert) + named('other', bob.cert) + named('bank', bob.key);
    await expect(seenWith({ cert, alias: 'bank' })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_IDENTITY_NOT_FOUND',
    });
    expect(await seenWith({ cert, alias: 'other' })).toEqual(['bob']);
    // One without a name of its own goes by that of its key.
    expect(await seenWith({ cert: bob.cert + named('bank', bob.key), alias: 'bank' })).toEqual(['bob']);
  });
});

it('the name of a certificate in a store is known where the certificate itself is named', async () => {
  const pfx = await old.pfx('x');
  expect(await seenWith({ cert: old.cert, key: pfx, passphrase: 'x', alias: 'old' })).toEqual(['old']);
});

it('what lies beside the key completes the chain, and is the certificate where none is named', async () => {
  const below = await authority.issueAuthority({ name: 'Below' });
  const alice = await below.issue({ name: 'alice' });
  expect(await seenWith({ cert: alice.cert, key: alice.key + alice.chain })).toEqual(['alice']);
  expect(await seenWith({ cert: alice.key, key: alice.fullChain })).toEqual(['alice']);
});
