import { loadCredentials } from '@clientcert/core';
import Stripe from 'stripe';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'payments.bank.example': 'bank' },
});

// #region differs
// An SDK that takes an agent. For one that takes a fetch instead:
// httpClient: Stripe.createFetchHttpClient(createFetch(credentials))
const stripe = new Stripe(process.env.STRIPE_KEY ?? 'sk_none', {
  host: 'payments.bank.example',
  httpAgent: credentials.agent(),
});

const { available } = await stripe.balance.retrieve();
console.log(available);
// #endregion differs
