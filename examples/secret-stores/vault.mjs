// A certificate from the PKI engine of HashiCorp Vault or OpenBao, renewed
// after two thirds of its life.
import https from 'node:https';
import { fromVault, loadCredentials } from '@clientcert/vault';

const credentials = await loadCredentials({
  certificates: {
    bank: fromVault({
      address: process.env.VAULT_ADDR ?? 'https://vault.example:8200',
      login: {
        method: 'approle',
        roleId: { env: 'VAULT_ROLE_ID' },
        secretId: { env: 'VAULT_SECRET_ID' },
      },
      role: 'bank-client',
      commonName: 'my-service.example',
      ttl: '72h',
    }),
  },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});
