import { createAuthority } from '@clientcert/testing';
import { createClientAsync } from 'soap';
import { expect, it } from 'vitest';
import { loadCredentials, soapOptions } from '../src/index.ts';
import { startService } from './service.ts';

it('sends as axios does where XMLHttpRequest comes after both were imported and before the first call', async () => {
  // As jsdom brings it; axios looks for it when it is imported.
  Object.assign(globalThis, { XMLHttpRequest: class {} });
  const authority = await createAuthority();
  const alice = await authority.issue({ name: 'alice' });
  await using bank = await startService({ authority, host: 'localhost', clientCertificate: 'optional' });
  await using credentials = await loadCredentials({
    certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
    hosts: { 'localhost:*': 'alice' },
  });
  const client = await createClientAsync(`${bank.urls[0]}/service?wsdl`, soapOptions(credentials));
  const [{ name }] = await client.WhoAsync({ text: 'hello' });
  expect(name).toBe('alice');
});
