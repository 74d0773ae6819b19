import { loadCredentials } from '@clientcert/core';

export const credentials = await loadCredentials({
  certificates: {
    // Trusted wherever this certificate is presented.
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: {
    'api.bank.example': 'bank',
    // No client certificate here, an extra root.
    'private.example': { ca: 'bank-root.pem' },
    // This root and no other, not even those that Node trusts.
    'vault.example': { ca: 'bank-root.pem', trust: 'only' },
  },
});
