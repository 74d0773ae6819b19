import {
  type Credentials,
  clientCertificates,
  loadCredentials,
} from '@clientcert/axios';
import {
  createAuthority,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import axios from 'axios';
import nock from 'nock';
import { afterAll, expect, it } from 'vitest';

let server: TestServer;
let credentials: Credentials;
afterAll(async () => {
  nock.restore();
  await credentials?.close();
  await server?.close();
});

it('asks the bank, and rates that are made up', async () => {
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
    hosts: { [new URL(server.url).host]: 'bank', 'rates.example': 'bank' },
  });
  const api = axios.create();
  clientCertificates(api, credentials);

  nock('https://rates.example').get('/eur').reply(200, { usd: 1.08 });

  const rates = await api.get('https://rates.example/eur');
  await api.get(`${server.url}/accounts`);

  expect(rates.data).toEqual({ usd: 1.08 });
  expect(server.requests[0]?.clientCertificate?.commonName).toBe('my-service');
});
