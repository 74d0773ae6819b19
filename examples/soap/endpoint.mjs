// Calls go to another address than the WSDL says: the certificate is that of
// the address which is called.
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

// #region differs
const client = await soap.createClientAsync(
  'rates.wsdl',
  soapOptions(credentials, { endpoint: 'https://api.bank.example/rates' }),
);
// or later, for the calls from now on
client.setEndpoint('https://api.bank.example/rates/v2');
const [{ rate }] = await client.GetRateAsync({ currency: 'EUR' });
console.log(rate);
// #endregion differs
