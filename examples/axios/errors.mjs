import {
  ClientCertificateError,
  clientCertificates,
  loadCredentials,
} from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);

// #region differs
try {
  await api.get('/accounts', { clientCertificate: 'Billing.InvoiceService' });
} catch (error) {
  // also where a client wrapped it
  const reason = ClientCertificateError.from(error);
  if (reason === undefined) throw error;
  console.log(reason.code); // ERR_CLIENTCERT_SERVICE_UNKNOWN
  console.log(reason.hint);
}
// #endregion differs
