import { readFile } from 'node:fs/promises';
import https from 'node:https';
import { loadCredentials } from '@clientcert/core';

// The same for everybody: which certificate goes where.
const shared = new URL('shared.json', import.meta.url);
const rules = JSON.parse(await readFile(shared, 'utf8'));

// Of this person, or this environment: where its files are.
const credentials = await loadCredentials({
  ...rules,
  certificates: {
    bank: {
      pfx: process.env.BANK_PFX ?? 'bank.pfx',
      passphrase: { env: 'BANK_PASSPHRASE' },
      ca: 'bank-root.pem',
    },
  },
});

https.get(
  'https://api.bank.example/accounts',
  { agent: credentials.agent() },
  (response) => console.log(response.statusCode),
);
