import { createFetch, loadCredentials } from '@clientcert/undici';
import { GoogleGenAI } from '@google/genai';

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
const google = new GoogleGenAI({
  apiKey: process.env.GEMINI_API_KEY ?? 'none',
  httpOptions: {
    baseUrl: 'https://models.bank.example',
    fetch: createFetch(credentials),
  },
});

const stream = await google.models.generateContentStream({
  model: 'gemini-3-pro',
  contents: 'Is this payment a fraud?',
});
for await (const { text } of stream) process.stdout.write(text ?? '');
// #endregion differs
