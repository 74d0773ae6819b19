// The same few steps for both module systems: one PFX, one pinned host, one call, asked of the server.
const assert = require('node:assert/strict');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

exports.scenario = async function scenario({
  axios,
  clientCertificates,
  loadCredentials,
  ClientCertificateError,
  testing,
}) {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-scenario-'));
  const authority = await testing.createAuthority();
  const server = await testing.startServer({ authority, clientCertificate: 'required' });
  try {
    const alice = await authority.issue({ name: 'alice' });
    const { pfx } = await alice.files(directory, { passphrase: 'secret', encryption: 'legacy-rc2' });
    const config = {
      certificates: { bank: { pfx, passphrase: 'secret', ca: authority.certificate } },
      hosts: { [new URL(server.url).host]: 'bank' },
    };
    const credentials = await loadCredentials(config);
    const api = axios.create();
    clientCertificates(api, credentials);
    await api.get(server.url);
    assert.equal(server.requests[0].clientCertificate.commonName, 'alice');
    await credentials.close();

    config.certificates.bank.passphrase = 'wrong';
    await assert.rejects(loadCredentials(config), (error) => {
      assert(error instanceof ClientCertificateError);
      assert.equal(error.code, 'ERR_CLIENTCERT_PASSPHRASE_WRONG');
      return true;
    });
  } finally {
    await server.close();
    rmSync(directory, { recursive: true });
  }
};
