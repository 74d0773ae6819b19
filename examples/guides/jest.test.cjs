const { clientCertificates, loadCredentials } = require('@clientcert/axios');
const { createAuthority, startServer } = require('@clientcert/testing');
const axios = require('axios');

let server;
let credentials;
afterAll(async () => {
  await credentials?.close();
  await server?.close();
});

test('shows the bank our certificate', async () => {
  const authority = await createAuthority();
  const client = await authority.issue({ name: 'my-service' });
  server = await startServer({ authority, clientCertificate: 'required' });
  credentials = await loadCredentials({
    certificates: {
      bank: {
        cert: client.fullChain,
        key: client.key,
        ca: authority.certificate,
      },
    },
    hosts: { [new URL(server.url).host]: 'bank' },
  });

  const api = axios.create({ baseURL: server.url });
  clientCertificates(api, credentials);
  await api.get('/accounts');

  expect(server.requests[0].clientCertificate.commonName).toBe('my-service');
});
