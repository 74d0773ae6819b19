import { loadCredentials } from '@clientcert/core';
import nodemailer from 'nodemailer';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'smtp.bank.example:465': 'bank' },
});

const target = { host: 'smtp.bank.example', port: 465 };

// Made for each message: a transport keeps the version of the certificate that
// it was made with.
function createTransport() {
  return nodemailer.createTransport({
    ...target,
    // false for STARTTLS on port 587: the certificate is presented there just
    // the same
    secure: true,
    tls: credentials.connectOptions(target),
  });
}

await createTransport().sendMail({
  from: 'ledger@app.example',
  to: 'clerk@bank.example',
  subject: 'Payment received',
  text: 'EUR 100',
});
