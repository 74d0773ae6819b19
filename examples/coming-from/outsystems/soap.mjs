import {
  ClientCertificateSecurity,
  loadCredentials,
  soapOptions,
} from '@clientcert/soap';
import soap from 'soap';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  services: { Rates: 'bank' },
});

const service = 'Rates';
const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  soapOptions(credentials, { service }),
);
client.setSecurity(new ClientCertificateSecurity(credentials, { service }));
const [{ rate }] = await client.GetRateAsync({ currency: 'EUR' });
console.log(rate);
