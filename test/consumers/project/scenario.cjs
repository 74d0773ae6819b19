// The same steps for both module systems, and in Jest: a config with a wildcard, a service and a proxy, an RC2 PFX
// and a PEM pair; every client; asked of the server.
const assert = require('node:assert/strict');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { clients } = require('./clients.cjs');

/** `adapters` by client; `packages`: the clients themselves, those that this module system can load. */
exports.scenario = async function scenario({ core, testing, issuers, adapters, packages }) {
  for (const adapter of [...Object.values(adapters), ...Object.values(issuers)]) {
    assert.equal(adapter.loadCredentials, core.loadCredentials, 'an adapter has a core of its own');
  }
  const authority = await testing.createAuthority();
  const ca = authority.certificate;
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-scenario-'));
  const server = await testing.startServer({
    authority,
    hosts: ['api.bank.example', 'soap.tax.example', 'www.example.com'],
    clientCertificate: 'optional',
    handler: describeService,
  });
  const proxy = await testing.startProxy({ route: () => ({ host: server.host, port: server.port }) });
  try {
    const bank = await authority.issue({ name: 'bank', keyType: 'rsa' });
    const tax = await authority.issue({ name: 'tax' });
    const { pfx } = await bank.files(directory, { passphrase: 'secret', encryption: 'legacy-rc2' });
    const config = {
      certificates: {
        bank: { pfx, passphrase: 'secret', ca },
        tax: { pfx: await tax.pfx('another'), passphrase: 'another', ca },
      },
      hosts: { '*.bank.example': 'bank', 'www.example.com': { ca } },
      services: { 'Tax.Returns': { certificate: 'tax', hosts: ['soap.tax.example'] } },
      proxy: proxy.url,
    };
    const credentials = await core.loadCredentials(config);
    for (const [client, get] of clients({ adapters, packages }, credentials)) {
      server.requests.length = 0;
      await get('https://api.bank.example/accounts');
      await get('https://soap.tax.example/returns', 'Tax.Returns');
      await get('https://www.example.com/');
      const seen = server.requests.map(({ clientCertificate }) => clientCertificate?.commonName);
      assert.deepEqual(seen, ['bank', 'tax', undefined], client);
    }
    await credentials.close();

    // What is wrong is said by the shipped files as by the sources.
    await rejects(core, { ...config, hosts: { '*.co.uk': 'bank' } }, 'HOST_INVALID');
    await rejects(
      core,
      { certificates: { bank: { pfx, passphrase: 'wrong' } }, hosts: config.hosts },
      'PASSPHRASE_WRONG',
    );
    const login = { method: 'token', token: 'only-for-tests' };
    const asked = { address: 'https://127.0.0.1:9', commonName: 'bank' }; // where nobody listens
    for (const bank of [
      issuers.vault.fromVault({ ...asked, login, role: 'client' }),
      issuers.est.fromEst(asked),
      issuers.step.fromStepCa({ ...asked, token: 'only-for-tests' }),
    ])
      await rejects(core, { certificates: { bank }, hosts: config.hosts }, 'FILE_UNREADABLE');
    assert.throws(() => issuers.spiffe.fromWorkloadApi({ address: 'tcp://localhost:9' }), /IP address/);
    const path = join(directory, 'clientcert.json');
    writeFileSync(path, JSON.stringify({ certificates: { bank: { pfx: 'bank.pfx' } }, host: {} }));
    await rejects(core, path, 'CONFIG_INVALID');
  } finally {
    await proxy.close();
    await server.close();
    rmSync(directory, { recursive: true });
  }
};

/** A SOAP client asks for a WSDL, or makes a call. */
function describeService(request, response) {
  if (!request.headers['user-agent']?.startsWith('node-soap')) return false;
  const isCall = request.method === 'POST';
  if (isCall) response.end('<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body/></Envelope>');
  else response.end('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:test"/>');
}

async function rejects({ ClientCertificateError, loadCredentials }, config, code) {
  await assert.rejects(loadCredentials(config), (error) => {
    assert(error instanceof ClientCertificateError);
    assert.equal(error.code, `ERR_CLIENTCERT_${code}`);
    return true;
  });
}
