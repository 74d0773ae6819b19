import { readFileSync } from 'node:fs';
import https from 'node:https';
import { json } from 'node:stream/consumers';

const agent = new https.Agent({
  pfx: readFileSync('bank.pfx'),
  passphrase: process.env.BANK_PASSPHRASE,
  ca: readFileSync('bank-root.pem'),
});

https.get('https://api.bank.example/accounts', { agent }, async (response) => {
  console.log(await json(response));
});
