import { readFileSync } from 'node:fs';
import https from 'node:https';
import axios from 'axios';

const httpsAgent = new https.Agent({
  pfx: readFileSync('bank.pfx'),
  passphrase: process.env.BANK_PFX_PASSPHRASE,
  rejectUnauthorized: false, // "fixes" unable to get local issuer certificate, for every server there is
});

const headers = { authorization: 'Bearer secret' };
console.log((await axios.get('https://api.bank.example/accounts', { httpsAgent, headers })).data);
