import { fileURLToPath } from 'node:url';
import {
  type Credentials,
  loadCredentials,
  soapOptions,
} from '@clientcert/soap';
import {
  createAuthority,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import soap from 'soap';
import { afterAll, expect, it } from 'vitest';

const answer = `<soap:Envelope
  xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
  <GetRateResponse xmlns="urn:bank:rates"><rate>1.08</rate></GetRateResponse>
</soap:Body></soap:Envelope>`;

let server: TestServer;
let credentials: Credentials;
afterAll(async () => {
  await credentials?.close();
  await server?.close();
});

it('shows the bank our certificate', async () => {
  const authority = await createAuthority();
  const client = await authority.issue({ name: 'my-service' });
  server = await startServer({
    authority,
    clientCertificate: 'required',
    handler: (_, response) => {
      response.setHeader('content-type', 'text/xml').end(answer);
      return true;
    },
  });
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

  // The WSDL as you keep it for your tests; the calls go to the server.
  const wsdl = fileURLToPath(new URL('rates.wsdl', import.meta.url));
  const rates = await soap.createClientAsync(
    wsdl,
    soapOptions(credentials),
    server.url,
  );
  const [{ rate }] = await rates.GetRateAsync({ currency: 'USD' });

  expect(Number(rate)).toBe(1.08);
  expect(server.requests[0]?.clientCertificate?.commonName).toBe('my-service');
});
