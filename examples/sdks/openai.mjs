import { createFetch, loadCredentials } from '@clientcert/undici';
import OpenAI from 'openai';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'models.bank.example': 'bank' },
});

// #region differs
const openai = new OpenAI({
  baseURL: 'https://models.bank.example/v1',
  apiKey: process.env.OPENAI_API_KEY ?? 'none',
  fetch: createFetch(credentials),
});

const stream = await openai.chat.completions.create({
  model: 'gpt-5.5',
  messages: [{ role: 'user', content: 'Is this payment a fraud?' }],
  stream: true,
});
for await (const { choices } of stream) {
  process.stdout.write(choices[0]?.delta.content ?? '');
}
// #endregion differs
