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

const { choices } = await openai.chat.completions.create({
  model: 'gpt-5',
  messages: [{ role: 'user', content: 'Is this payment a fraud?' }],
});
console.log(choices[0]?.message.content);
// #endregion differs
