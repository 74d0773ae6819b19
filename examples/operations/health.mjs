// A health endpoint: 503 when a certificate that is in use can no longer be
// used.
import { createServer } from 'node:http';
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
  expiryWarningDays: [30, 7, 1],
});

credentials.on('expiring', ({ name, daysLeft }) =>
  console.warn(`${name} expires in ${daysLeft} days`),
);
credentials.on('expired', ({ name }) => console.error(`${name} has expired`));
credentials.on('rotate', ({ name, version }) =>
  console.log(`${name} is now version ${version}`),
);
credentials.on('error', (error) =>
  console.error(`not renewed: ${error.message}`),
);

export const server = createServer((_, response) => {
  const { status, reasons } = credentials.health();
  response.writeHead(status === 'error' ? 503 : 200, {
    'content-type': 'application/json',
  });
  response.end(JSON.stringify({ status, reasons }));
}).listen(Number(process.env.PORT ?? 8080));
