const fs = require('node:fs');
const https = require('node:https');
const axios = require('axios');

const httpsAgent = new https.Agent({
  pfx: fs.readFileSync('bank.pfx'),
  passphrase: process.env.BANK_PASSPHRASE,
  ca: fs.readFileSync('bank-root.pem'),
  keepAlive: true,
});

const bank = axios.create({
  baseURL: 'https://api.bank.example',
  timeout: 20_000, // it is slow at noon
  httpsAgent,
});

bank.get('/accounts').then(({ data }) => console.log(data));
