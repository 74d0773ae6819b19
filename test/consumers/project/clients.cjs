// How each client is driven with its adapter: `get(url, service)`, as a user would write it.
const assert = require('node:assert/strict');
const https = require('node:https');
const { join } = require('node:path');

exports.clients = ({ adapters, packages }, credentials) => {
  const clients = { https: (url, service) => getWith(credentials.agent({ service, origin: url }), url) };
  const { axios, got, soap, undici } = packages;
  if (axios) {
    const api = axios.create();
    adapters.axios.clientCertificates(api, credentials);
    clients.axios = (url, clientCertificate) => api.get(url, { clientCertificate });
  }
  if (got) {
    const api = got.extend(adapters.got.clientCertificates(credentials), { retry: { limit: 0 } });
    clients.got = (url, clientCertificate) => api(url, { context: { clientCertificate } });
  }
  if (soap) {
    const { ClientCertificateSecurity, soapOptions } = adapters.soap;
    clients.soap = (url, service) =>
      soap.createClientAsync(url, { ...soapOptions(credentials, { service }), disableCache: true });
    clients['soap, signed'] = async (url, service) => {
      const client = await soap.createClientAsync(join(__dirname, 'service.wsdl'), { endpoint: url });
      const sign = service === undefined && !url.startsWith('https://www'); // with RSA
      client.setSecurity(new ClientCertificateSecurity(credentials, { service, sign }));
      await client.AskAsync({});
      assert.equal(client.lastRequest.includes('SignatureValue>'), sign);
    };
  }
  if (undici) {
    const { clientCertificates, createDispatcher, createFetch } = adapters.undici;
    clients.undici = async (url, service) => {
      const dispatcher = createDispatcher(credentials, { service });
      await (await undici.request(url, { dispatcher })).body.dump();
      await dispatcher.close();
    };
    clients['undici, interceptor'] = async (url, service) => {
      const dispatcher = new undici.Agent().compose(clientCertificates(credentials, { service }));
      await (await undici.request(url, { dispatcher })).body.dump();
      await dispatcher.close();
    };
    clients.fetch = async (url, service) => (await createFetch(credentials, { service })(url)).text();
  }
  return Object.entries(clients);
};

function getWith(agent, url) {
  return new Promise((resolve, reject) => {
    https.get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
}
