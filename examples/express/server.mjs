import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';
import express from 'express';

// Before listening: what cannot be used stops the start with a reason, and not
// the first request.
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
// a renewal that failed; the old one stays
credentials.on('error', (error) => console.error(error.message));

const bank = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(bank, credentials);

const app = express();
app.get('/accounts', async (_request, response) => {
  const { data } = await bank.get('/accounts');
  response.json(data);
});
app.get('/health', (_request, response) => {
  const expired = credentials
    .certificates()
    .filter(({ status }) => status !== 'valid' && status !== 'expiring');
  response
    .status(expired.length > 0 ? 503 : 200)
    .json({ expired: expired.map(({ name }) => name) });
});

const server = app.listen(Number(process.env.PORT ?? 3000), () =>
  console.log('listening'),
);

process.once('SIGTERM', () => {
  server.close(() => credentials.close());
});
