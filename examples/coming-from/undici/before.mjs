import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';

const dispatcher = new Agent({
  connect: {
    pfx: readFileSync('bank.pfx'),
    passphrase: process.env.BANK_PFX_PASSPHRASE,
    ca: readFileSync('bank-root.pem'),
  },
});
console.log(await (await fetch('https://api.bank.example/accounts', { dispatcher })).json());
