// Azure Key Vault: a certificate with an exportable key is also a secret, and
// that secret is the PFX.
import https from 'node:https';
import { DefaultAzureCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { loadCredentials } from '@clientcert/core';

const vault = new SecretClient(
  'https://my-vault.vault.azure.net',
  new DefaultAzureCredential(),
);

async function fromKeyVault() {
  const { value = '', properties } = await vault.getSecret('bank-client');
  const isPem = properties.contentType === 'application/x-pem-file';
  return {
    // without a passphrase
    ...(isPem ? { cert: value } : { pfx: Buffer.from(value, 'base64') }),
    refresh: 3600, // seconds
  };
}

const credentials = await loadCredentials({
  certificates: { bank: fromKeyVault },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});
