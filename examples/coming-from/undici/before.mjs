import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';

const dispatcher = new Agent({
  connect: {
    pfx: readFileSync('bank.pfx'),
    passphrase: process.env.BANK_PASSPHRASE,
    ca: readFileSync('bank-root.pem'),
  },
});
const url = 'https://api.bank.example/accounts';
const response = await fetch(url, { dispatcher });
console.log(await response.json());
