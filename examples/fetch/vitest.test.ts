import {
  createAuthority,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import {
  type Credentials,
  createFetch,
  loadCredentials,
} from '@clientcert/undici';
import { afterAll, expect, it } from 'vitest';

let server: TestServer;
let credentials: Credentials;
afterAll(async () => {
  await credentials?.close();
  await server?.close();
});

it('shows the bank our certificate', async () => {
  const authority = await createAuthority();
  const client = await authority.issue({ name: 'my-service' });
  server = await startServer({ authority, clientCertificate: 'required' });
  credentials = await loadCredentials({
    certificates: {
      bank: {
        pfx: await client.pfx('secret'),
        passphrase: 'secret',
        ca: authority.certificate,
      },
    },
    hosts: { [new URL(server.url).host]: 'bank' },
  });

  const fetch = createFetch(credentials);
  const response = await fetch(`${server.url}/accounts`);
  await response.json();

  expect(server.requests[0]?.clientCertificate?.commonName).toBe('my-service');
});
