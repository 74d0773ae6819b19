import { loadCredentials, soapOptions } from '@clientcert/soap';
import soap from 'soap';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      cert: 'bank.crt',
      key: 'bank.key',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});

const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  soapOptions(credentials),
);

const [{ rate }] = await client.GetRateAsync({ currency: 'EUR' });
console.log(rate);
