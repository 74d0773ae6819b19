// Google Secret Manager: certificate and key as one PEM text.
import https from 'node:https';
import { loadCredentials } from '@clientcert/core';
import { SecretManagerServiceClient } from '@google-cloud/secret-manager';

const secrets = new SecretManagerServiceClient();

async function fromSecretManager() {
  const name = 'projects/my-project/secrets/bank-client/versions/latest';
  const [{ payload }] = await secrets.accessSecretVersion({ name });
  return { cert: String(payload?.data ?? ''), refresh: 3600 };
}

const credentials = await loadCredentials({
  certificates: { bank: fromSecretManager },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});
