import { clientCertificates, loadCredentials } from '@clientcert/undici';
import { Agent, interceptors, request } from 'undici';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
  proxy: 'env',
});

// #region differs
const dispatcher = new Agent().compose(
  clientCertificates(credentials),
  interceptors.redirect({ maxRedirections: 5 }),
);

const { body } = await request('https://api.bank.example/accounts', {
  dispatcher,
});
console.log(await body.json());
// #endregion differs
