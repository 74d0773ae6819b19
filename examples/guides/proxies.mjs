import { loadCredentials } from '@clientcert/core';

const certificates = {
  bank: {
    pfx: 'bank.pfx',
    passphrase: process.env.BANK_PASSPHRASE,
    ca: 'bank-root.pem',
  },
};
const hosts = { 'api.bank.example': /** @type {const} */ ('bank') };

// HTTPS_PROXY and NO_PROXY of the environment
export const fromEnvironment = await loadCredentials({
  certificates,
  hosts,
  proxy: 'env',
});

// One proxy, with a password that is read from a file
export const named = await loadCredentials({
  certificates,
  hosts,
  proxy: {
    url: 'http://proxy.example:3128',
    authorization: { file: 'proxy-authorization' },
  },
});

// Never one, whatever the environment says
export const direct = await loadCredentials({
  certificates,
  hosts,
  proxy: false,
});
