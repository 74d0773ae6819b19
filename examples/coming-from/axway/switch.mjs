import {
  clientCertificates,
  defineConfig,
  loadCredentials,
} from '@clientcert/axios';
import axios from 'axios';

const manager = 'manager.bank.example:8075';

/** @param {boolean} mutual Whether the switch stands at yes. */
const config = (mutual) =>
  defineConfig({
    certificates: {
      portal: {
        cert: 'portal.cer',
        key: 'portal.key',
        passphrase: process.env.PORTAL_PASSPHRASE,
      },
    },
    hosts: {
      [manager]: {
        certificate: mutual ? 'portal' : false,
        ca: 'bank-root.pem',
      },
    },
  });

const credentials = await loadCredentials(config(true));
const api = axios.create({ baseURL: `https://${manager}` });
clientCertificates(api, credentials);

await api.get('/apis'); // portal
await api.get('/apis', { clientCertificate: false }); // none, for this call

await credentials.reload(config(false)); // for all, while the program runs
await api.get('/apis'); // none
await credentials.reload(config(true));
await api.get('/apis'); // portal
