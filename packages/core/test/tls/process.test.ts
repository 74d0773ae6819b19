import https from 'node:https';
import tls from 'node:tls';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';
import { get, sourceOf, subjects } from '../support.ts';

/** What a whole process shares. */
function shared(): object {
  return {
    versions: [tls.DEFAULT_MIN_VERSION, tls.DEFAULT_MAX_VERSION],
    ciphers: tls.DEFAULT_CIPHERS,
    curve: tls.DEFAULT_ECDH_CURVE,
    agent: https.globalAgent,
    options: { ...https.globalAgent.options },
    sockets: Object.keys(https.globalAgent.sockets),
    environment: { ...process.env },
    roots: tls.rootCertificates.length,
  };
}

it('a host with old TLS and a private root changes nothing for the rest of the process', async () => {
  const authority = await createAuthority();
  await using server = await startServer({
    authority,
    host: 'localhost',
    tls: 'TLSv1.2',
    clientCertificate: 'optional',
  });
  const before = shared();
  const alice = await authority.issue({ name: 'alice' });
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`localhost:${server.port}`]: { certificate: 'alice', tls: { min: 'TLSv1', legacy: true } } },
  });
  await get(server.url, { agent: credentials.agent() });
  await credentials.reload();
  expect(subjects(server)).toEqual(['alice']);
  expect(shared()).toEqual(before);
  // Nobody else trusts that root now.
  await expect(get(server.url)).rejects.toMatchObject({ code: expect.stringMatching(/SELF_SIGNED|ISSUER/) });
});
