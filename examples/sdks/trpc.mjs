import { createFetch, loadCredentials } from '@clientcert/undici';
import { createTRPCClient, httpBatchStreamLink } from '@trpc/client';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});

// #region differs
/** @type {import('@trpc/client').TRPCClient<import('./test/router.ts').Router>} */
const api = createTRPCClient({
  links: [
    httpBatchStreamLink({
      url: 'https://api.bank.example/trpc',
      fetch: createFetch(credentials),
    }),
  ],
});

const [account, rates] = await Promise.all([
  api.account.query({ iban: 'NL91' }),
  api.rates.query(),
]);
console.log(account);
for await (const rate of rates) console.log(rate);
// #endregion differs
