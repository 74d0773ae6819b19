import { fileURLToPath } from 'node:url';
import { loadCredentials, soapOptions } from '@clientcert/soap';
import { createAuthority, startServer } from '@clientcert/testing';
import soap from 'soap';
import { expect, it } from 'vitest';

const answer = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
  <GetRateResponse xmlns="urn:bank:rates"><rate>1.08</rate></GetRateResponse>
</soap:Body></soap:Envelope>`;

it('shows the bank our certificate', async () => {
  const authority = await createAuthority();
  const client = await authority.issue({ name: 'my-service' });
  const server = await startServer({
    authority,
    clientCertificate: 'required',
    handler: (_, response) => {
      response.setHeader('content-type', 'text/xml').end(answer);
      return true;
    },
  });
  const credentials = await loadCredentials({
    certificates: {
      bank: { pfx: await client.pfx('secret'), passphrase: 'secret', ca: authority.certificate },
    },
    hosts: { [new URL(server.url).host]: 'bank' },
  });

  // The WSDL as you keep it for your tests; the calls go to the server.
  const wsdl = fileURLToPath(new URL('rates.wsdl', import.meta.url));
  const rates = await soap.createClientAsync(wsdl, soapOptions(credentials), server.url);
  const [{ rate }] = await rates.GetRateAsync({ currency: 'USD' });

  expect(Number(rate)).toBe(1.08);
  expect(server.requests[0]?.clientCertificate?.commonName).toBe('my-service');
  await credentials.close();
  await server.close();
});
