import {
  type Credentials,
  clientCertificates,
  loadCredentials,
} from '@clientcert/axios';
import {
  createAuthority,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import axios from 'axios';
import { afterAll, expect, it } from 'vitest';

let server: TestServer;
let proxy: TestProxy;
let credentials: Credentials;
afterAll(async () => {
  await credentials?.close();
  await proxy?.close();
  await server?.close();
});

it('shows the bank our certificate', async () => {
  const authority = await createAuthority();
  const client = await authority.issue({ name: 'my-service' });
  server = await startServer({
    authority,
    hosts: ['api.bank.example'],
    clientCertificate: 'required',
  });
  proxy = await startProxy({
    route: () => ({ host: server.host, port: server.port }),
  });
  credentials = await loadCredentials({
    certificates: {
      bank: {
        pfx: await client.pfx('secret'),
        passphrase: 'secret',
        ca: authority.certificate,
      },
    },
    hosts: { 'api.bank.example': 'bank' },
    proxy: proxy.url,
  });

  const api = axios.create({ baseURL: 'https://api.bank.example' });
  clientCertificates(api, credentials);
  await api.get('/accounts');

  expect(server.requests[0]?.clientCertificate?.commonName).toBe('my-service');
});
