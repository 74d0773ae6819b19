import { createAuthority, startServer } from '@clientcert/testing';
import { createFetch, loadCredentials } from '@clientcert/undici';
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

  const fetch = createFetch(credentials);
  const response = await fetch(`${server.url}/accounts`);
  await response.json();

  expect(server.requests[0]?.clientCertificate?.commonName).toBe('my-service');
  await credentials.close();
  await server.close();
});
