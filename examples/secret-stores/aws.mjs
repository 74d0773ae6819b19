// AWS Secrets Manager: a PFX as the secret's binary value, its passphrase in a
// secret of its own.
import https from 'node:https';
import {
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { loadCredentials } from '@clientcert/core';

const secrets = new SecretsManagerClient({ region: 'eu-west-1' });
/** @param {string} SecretId */
const read = (SecretId) =>
  secrets.send(new GetSecretValueCommand({ SecretId }));

async function fromSecretsManager() {
  const [pfx, passphrase] = await Promise.all([
    read('bank/pfx'),
    read('bank/passphrase'),
  ]);
  return {
    pfx: pfx.SecretBinary ?? new Uint8Array(),
    passphrase: passphrase.SecretString,
    refresh: 3600, // seconds
  };
}

const credentials = await loadCredentials({
  certificates: { bank: fromSecretsManager },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});
