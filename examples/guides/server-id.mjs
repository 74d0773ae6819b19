import { loadCredentials } from '@clientcert/core';

export const credentials = await loadCredentials({
  certificates: {
    web: {
      cert: 'svid.pem',
      key: 'svid_key.pem',
      // Who vouches for the servers of which trust domain, and of no other.
      bundles: {
        'bank.example': 'bank-root.pem',
        'partner.example': 'partner-bundle.pem',
      },
    },
  },
  hosts: {
    // This server and no other, whatever the names in its certificate.
    'payments.bank.example': {
      certificate: 'web',
      server: 'spiffe://bank.example/payments',
    },
    // Any in the partner's trust domain.
    '*.partner.example': {
      certificate: 'web',
      server: 'spiffe://partner.example',
    },
  },
});
