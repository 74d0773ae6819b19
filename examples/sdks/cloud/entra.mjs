import { ConfidentialClientApplication } from '@azure/msal-node';
import { loadCredentials } from '@clientcert/core';
import { clientAssertion } from './client-assertion.mjs';

const credentials = await loadCredentials({
  certificates: {
    entra: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { 'login.microsoftonline.com': 'entra' },
});

const tenant = 'https://login.microsoftonline.com/bank.example';
const clientId = '00000000-0000-4000-8000-000000000001';

const msal = new ConfidentialClientApplication({
  auth: {
    clientId,
    authority: tenant,
    clientAssertion: async () =>
      clientAssertion(credentials, {
        tokenEndpoint: `${tenant}/oauth2/v2.0/token`,
        clientId,
      }),
  },
});

const token = await msal.acquireTokenByClientCredential({
  scopes: ['https://graph.microsoft.com/.default'],
});
console.log(token?.tokenType, token?.expiresOn);
