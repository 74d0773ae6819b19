import { readFileSync } from 'node:fs';
import https from 'node:https';
import axios from 'axios';

const httpsAgent = new https.Agent({
  pfx: readFileSync('bank.pfx'),
  passphrase: process.env.BANK_PASSPHRASE,
  ca: readFileSync('bank-root.pem'),
});

const api = axios.create({ baseURL: 'https://api.bank.example', httpsAgent });
console.log((await api.get('/accounts')).data);
