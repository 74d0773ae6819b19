// WS-Security: the message is signed with the certificate that the connection
// presents, beside a user name.
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
  hosts: { 'api.bank.example': 'bank' },
});

const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  soapOptions(credentials),
);
client.setSecurity(
  new ClientCertificateSecurity(credentials, {
    sign: { hasTimeStamp: true },
    and: [new soap.WSSecurity('me', process.env.SOAP_PASSWORD ?? '')],
  }),
);

const [{ rate }] = await client.GetRateAsync({ currency: 'EUR' });
console.log(rate);
