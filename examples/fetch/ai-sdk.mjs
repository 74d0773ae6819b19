import { createOpenAI } from '@ai-sdk/openai';
import { createFetch, loadCredentials } from '@clientcert/undici';
import { streamText } from 'ai';

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
const models = createOpenAI({
  baseURL: 'https://models.bank.example/v1',
  apiKey: process.env.OPENAI_API_KEY ?? 'none',
  fetch: createFetch(credentials),
});

const { textStream } = streamText({
  model: models.chat('gpt-5'),
  prompt: 'Is this payment a fraud?',
});
for await (const text of textStream) process.stdout.write(text);
// #endregion differs
