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

const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  soapOptions(credentials),
);

for (const currency of ['EUR', 'USD', 'JPY']) {
  const [{ rate }] = await client.GetRateAsync({ currency });
  console.log(rate);
}
