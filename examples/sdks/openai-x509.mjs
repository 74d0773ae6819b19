// OpenAI's X.509 workload identity: the certificate is exchanged for a token,
// and no API key exists.
import { connect } from 'node:tls';
import { loadCredentials } from '@clientcert/core';
import OpenAI from 'openai';
import { createX509Transport } from 'openai/auth/x509-transport';
import { Agent } from 'undici';

const credentials = await loadCredentials({
  certificates: {
    openai: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { 'mtls.auth.openai.com': 'openai', 'mtls.api.openai.com': 'openai' },
});

/** @returns A client of the certificate as it is now. */
function connectToOpenAI() {
  const dispatcher = new Agent({
    connect({ hostname, port }, done) {
      const target = { host: hostname, port: Number(port || 443) };
      const socket = connect({
        ...target,
        ...credentials.connectOptions(target),
      });
      socket.once('secureConnect', () => done(null, socket));
      socket.once('error', (error) => done(error, null));
    },
  });
  return new OpenAI({
    apiKey: null,
    baseURL: 'https://mtls.api.openai.com/v1',
    workloadIdentity: {
      type: 'x509',
      identityProviderId: process.env.OPENAI_IDENTITY_PROVIDER_ID ?? '',
      serviceAccountId: process.env.OPENAI_SERVICE_ACCOUNT_ID ?? '',
    },
    x509Transport: createX509Transport({
      runtime: 'node',
      dispatcher,
      certificateIdentity: 'static',
      proxy: 'direct',
    }),
  });
}

let openai = connectToOpenAI();
// A token belongs to the certificate that it was given for.
credentials.on('rotate', () => {
  openai = connectToOpenAI();
});

const { output_text } = await openai.responses.create({
  model: 'gpt-5.5',
  input: 'Is this payment a fraud?',
});
console.log(output_text);
