import { ClientAssertionCredential } from '@azure/identity';
import { loadCredentials } from '@clientcert/core';
import { clientAssertion } from './client-assertion.mjs';

const credentials = await loadCredentials({
  certificates: {
    entra: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { 'login.microsoftonline.com': 'entra' },
});

// #region differs
const tenantId = '00000000-0000-4000-8000-000000000002';
const clientId = '00000000-0000-4000-8000-000000000001';
const authority = `https://login.microsoftonline.com/${tenantId}`;

// For every client of the Azure SDK: new SecretClient(url, azure)
const azure = new ClientAssertionCredential(tenantId, clientId, async () =>
  clientAssertion(credentials, {
    tokenEndpoint: `${authority}/oauth2/v2.0/token`,
    clientId,
  }),
);

const { expiresOnTimestamp } = await azure.getToken(
  'https://vault.azure.net/.default',
);
console.log(new Date(expiresOnTimestamp));
// #endregion differs
