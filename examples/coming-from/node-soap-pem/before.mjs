import { readFileSync } from 'node:fs';
import https from 'node:https';
import soap from 'soap';

const key = readFileSync('bank.key');
const cert = readFileSync('bank.crt');
const ca = readFileSync('bank-root.pem');
const passphrase = process.env.BANK_PASSPHRASE ?? '';

// the WSDL needs the certificate as well
const httpsAgent = new https.Agent({ key, cert, ca, passphrase });
const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  { wsdl_options: { httpsAgent } },
);
client.setSecurity(new soap.ClientSSLSecurity(key, cert, ca, { passphrase }));

const [{ rate }] = await client.GetRateAsync({ currency: 'EUR' });
console.log(rate);
