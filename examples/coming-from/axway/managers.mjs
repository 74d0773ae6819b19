import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials({
  certificates: {
    portal: {
      cert: 'portal.cer', // or .crt, .pem, .der: the content decides
      key: 'portal.key',
      passphrase: process.env.PORTAL_PASSPHRASE,
      ca: 'bank-root.pem',
    },
    partner: { cert: 'partner.der', key: 'partner.key', ca: 'bank-root.pem' },
  },
  hosts: {
    'manager.bank.example:8075': 'portal', // demands a certificate
    // its other port takes none
    'manager.bank.example:8065': { certificate: false, ca: 'bank-root.pem' },
    'manager.partner.example:8075': 'partner', // another API Manager
  },
});

const api = axios.create();
clientCertificates(api, credentials);

await api.get('https://manager.bank.example:8075/api/portal/v1.4/apis');
await api.get('https://manager.bank.example:8065/healthcheck');
await api.get('https://manager.partner.example:8075/api/portal/v1.4/apis');
