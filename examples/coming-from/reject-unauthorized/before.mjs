import { readFileSync } from 'node:fs';
import https from 'node:https';
import axios from 'axios';

const httpsAgent = new https.Agent({
  pfx: readFileSync('bank.pfx'),
  passphrase: process.env.BANK_PASSPHRASE,
  // "fixes" unable to get local issuer certificate, for every server there is
  rejectUnauthorized: false,
});

const headers = { authorization: 'Bearer secret' };
const { data } = await axios.get('https://api.bank.example/accounts', {
  httpsAgent,
  headers,
});
console.log(data);
