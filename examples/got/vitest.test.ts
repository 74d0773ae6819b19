import { clientCertificates, loadCredentials } from '@clientcert/got';
import { createAuthority, startServer } from '@clientcert/testing';
import got from 'got';
import { expect, it } from 'vitest';

it('shows the bank our certificate', async () => {
  const authority = await createAuthority();
  const client = await authority.issue({ name: 'my-service' });
  const server = await startServer({ authority, clientCertificate: 'required' });
  const credentials = await loadCredentials({
    certificates: {
      bank: { pfx: await client.pfx('secret'), passphrase: 'secret', ca: authority.certificate },
    },
    hosts: { [new URL(server.url).host]: 'bank' },
  });

  const api = got.extend(clientCertificates(credentials));
  await api(`${server.url}/accounts`);

  expect(server.requests[0]?.clientCertificate?.commonName).toBe('my-service');
  await credentials.close();
  await server.close();
});
