// A certificate from step-ca, renewed after two thirds of its life with
// itself. The token is needed once: what was issued is kept in a file.
import https from 'node:https';
import { fromStepCa, loadCredentials } from '@clientcert/step';

const credentials = await loadCredentials({
  certificates: {
    bank: fromStepCa({
      address: process.env.STEP_CA_URL ?? 'https://ca.example',
      fingerprint: process.env.STEP_FINGERPRINT,
      token: { env: 'STEP_TOKEN' },
      commonName: 'my-service.example',
      files: { cert: 'my-service.pem' },
    }),
  },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});
