// HashiCorp Vault: a new certificate from the PKI secrets engine, asked for
// again after two thirds of its life.
import https from 'node:https';
import { loadCredentials } from '@clientcert/core';

const { VAULT_ADDR = 'https://vault.example:8200', VAULT_TOKEN = '' } =
  process.env;

async function issueFromVault() {
  const response = await fetch(`${VAULT_ADDR}/v1/pki/issue/bank-client`, {
    method: 'POST',
    headers: { 'x-vault-token': VAULT_TOKEN },
    body: JSON.stringify({ common_name: 'my-service.example', ttl: '72h' }),
  });
  if (!response.ok) throw new Error(`Vault answers ${response.status}`);
  const { data } = /** @type {{ data: Record<string, any> }} */ (
    await response.json()
  );
  const left = data.expiration * 1000 - Date.now();
  return {
    cert: [data.certificate, ...(data.ca_chain ?? [])].join('\n'),
    key: data.private_key,
    refresh: new Date(Date.now() + (left * 2) / 3),
  };
}

const credentials = await loadCredentials({
  certificates: { bank: issueFromVault },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});
