import { loadCredentials, soapOptions } from '@clientcert/soap';
import soap from 'soap';

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

// The WSDL, what it imports, and every call: each with the certificate of its
// own host.
const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  soapOptions(credentials),
);

const [{ rate }] = await client.GetRateAsync({ currency: 'EUR' });
console.log(rate);
