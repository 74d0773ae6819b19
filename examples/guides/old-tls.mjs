import { loadCredentials } from '@clientcert/core';

export const credentials = await loadCredentials({
  certificates: {
    tax: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: {
    // TLS 1.0 and its ciphers for this host alone; every other host stays at
    // 1.2 and newer.
    'old.tax.example': {
      certificate: 'tax',
      tls: { min: 'TLSv1', legacy: true },
    },
  },
});
