import { ConfidentialClientApplication } from '@azure/msal-node';
import { createFetch, loadCredentials } from '@clientcert/undici';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'login.bank.example': 'bank' },
});

// #region differs
const fetch = createFetch(credentials);

/**
 * @param {string} url
 * @param {RequestInit} init
 * @returns {Promise<any>}
 */
async function send(url, { headers, body, ...init }) {
  const response = await fetch(url, {
    ...init,
    ...(headers && { headers }),
    ...(body && { body }),
  });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.json(),
  };
}

/** @type {import('@azure/msal-node').INetworkModule} */
const networkClient = {
  sendGetRequestAsync: (url, { headers } = {}, timeout = 30_000) =>
    send(url, {
      ...(headers && { headers }),
      signal: AbortSignal.timeout(timeout),
    }),
  sendPostRequestAsync: (url, { headers, body } = {}) =>
    send(url, {
      method: 'POST',
      ...(headers && { headers }),
      ...(body && { body }),
    }),
};

const msal = new ConfidentialClientApplication({
  auth: {
    clientId: 'my-client',
    clientSecret: process.env.CLIENT_SECRET ?? '',
    authority: 'https://login.bank.example/my-tenant',
    knownAuthorities: ['login.bank.example'],
  },
  system: { networkClient },
});

const token = await msal.acquireTokenByClientCredential({
  scopes: ['https://api.bank.example/.default'],
});
console.log(token?.tokenType, token?.expiresOn);
// #endregion differs
