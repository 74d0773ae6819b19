import { get } from 'node:https';
import { json } from 'node:stream/consumers';
import { loadCredentials } from '@clientcert/core';

// Once for each instance, before its first call: later calls find the
// connection still open.
const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: { env: 'BANK_PFX' },
      passphrase: { env: 'BANK_PASSPHRASE' },
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
  watch: false, // variables do not change
});
const agent = credentials.agent();

export async function handler() {
  const response = await new Promise((resolve, reject) => {
    const call = get('https://api.bank.example/accounts', { agent }, resolve);
    call.on('error', reject);
  });
  const body = JSON.stringify(await json(response));
  return { statusCode: response.statusCode, body };
}
