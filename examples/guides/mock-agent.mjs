import { createFetch, loadCredentials } from '@clientcert/undici';
import { MockAgent } from 'undici';

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { 'api.bank.example': 'bank' },
});

const mock = new MockAgent();
mock.disableNetConnect();
mock
  .get('https://api.bank.example')
  .intercept({ path: '/accounts' })
  .reply(200, { accounts: 1 });

const fetch = createFetch(credentials, { dispatcher: mock });
console.log(await (await fetch('https://api.bank.example/accounts')).json());
