import {
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { loadCredentials } from '@clientcert/core';

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

// Every client of the Azure SDK takes these options too:
// new SecretClient(url, credential, { agent })
const pipeline = createPipelineFromOptions({ agent: credentials.agent() });

const request = createPipelineRequest({
  url: 'https://api.bank.example/accounts',
});
const { bodyAsText } = await pipeline.sendRequest(
  createDefaultHttpClient(),
  request,
);
console.log(bodyAsText);
