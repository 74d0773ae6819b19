// A certificate from an authority that speaks EST (RFC 7030), renewed after two
// thirds of its life with itself. Its public half is handed on before it is
// used.
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { fromEst, loadCredentials } from '@clientcert/est';

const credentials = await loadCredentials({
  certificates: {
    bank: fromEst({
      address: process.env.EST_URL ?? 'https://est.example',
      ca: 'est-root.pem',
      login: { user: 'my-service', password: { env: 'EST_PASSWORD' } },
      commonName: 'my-service.example',
      files: { cert: 'my-service.pem' },
      onRenewed: ({ certificate }) => writeFile('to-the-bank.crt', certificate),
    }),
  },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});
