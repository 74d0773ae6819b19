import {
  clientCertificates,
  diagnose,
  loadCredentials,
} from '@clientcert/axios';
import axios from 'axios';
import { probe } from 'clientcert/probe';

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
const api = axios.create();
clientCertificates(api, credentials);

// #region differs
const url = 'https://api.bank.example/accounts';
await api.get(url).catch(async (error) => {
  const { clientCertificate } = await probe(url, { credentials });
  const { issuers } = clientCertificate;
  console.error(`${diagnose(error, { credentials, url, issuers })}`);
});
// #endregion differs
