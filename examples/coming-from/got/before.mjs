import { readFileSync } from 'node:fs';
import got from 'got';

const api = got.extend({
  https: {
    pfx: readFileSync('bank.pfx'),
    passphrase: process.env.BANK_PASSPHRASE,
    certificateAuthority: readFileSync('bank-root.pem', 'utf8'),
  },
});
console.log(await api('https://api.bank.example/accounts').json());
