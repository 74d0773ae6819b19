import { readFileSync } from 'node:fs';
import https from 'node:https';
import soap from 'soap';

const pfx = readFileSync('bank.pfx');
const passphrase = process.env.BANK_PASSPHRASE ?? '';
const ca = readFileSync('bank-root.pem');

// the WSDL needs the certificate as well
const httpsAgent = new https.Agent({ pfx, passphrase, ca });
const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  { wsdl_options: { httpsAgent } },
);
client.setSecurity(new soap.ClientSSLSecurityPFX(pfx, passphrase, { ca }));

for (const currency of ['EUR', 'USD', 'JPY']) {
  const [{ rate }] = await client.GetRateAsync({ currency });
  console.log(rate);
}
