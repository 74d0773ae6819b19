import { get } from 'node:https';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { loadCredentials } from '../../src/index.ts';

it('a certificate that is called null is that of no rule without one', async () => {
  const authority = await createAuthority();
  const ca = authority.certificate;
  const [old, bank] = await Promise.all([
    authority.issue({ name: 'old', expired: true }),
    authority.issue({ name: 'bank' }),
  ]);
  await using server = await startServer({ authority });
  await using credentials = await loadCredentials({
    certificates: {
      null: { cert: old.cert, key: old.key, trust: 'only', ca },
      bank: { cert: bank.cert, key: bank.key },
    },
    hosts: {
      [`127.0.0.1:${server.port}`]: { certificate: false, ca },
      'other.example': 'bank',
    },
  });
  credentials.on('warning', () => {});
  const failed = await new Promise((resolve) => {
    get(server.url, { agent: credentials.agent() }, resolve).on('error', resolve);
  });
  expect(server.requests).toEqual([]);
  const { code, evidence } = diagnose(failed, { credentials, url: server.url });
  expect({ code, evidence: evidence.join() }).toEqual({
    code: 'NO_CLIENT_CERTIFICATE_SENT',
    evidence: expect.not.stringContaining('"null"'),
  });
  expect(server.refusals.map(({ clientCertificate }) => clientCertificate)).toEqual([null]);
});
