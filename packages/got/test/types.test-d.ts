import { type Credentials, clientCertificates, loadCredentials } from '@clientcert/got';
import got, { type ExtendOptions, type Got } from 'got';

declare const credentials: Credentials<'bank' | 'tax', 'Billing.Invoices'>;

const api: Got = got.extend(clientCertificates(credentials));
const options: ExtendOptions = clientCertificates(Promise.resolve(credentials));
got.extend(clientCertificates(loadCredentials('clientcert.json')), options);
got.extend({ ...clientCertificates(credentials), prefixUrl: 'https://api.bank.example' });
got.extend(clientCertificates(credentials, { service: 'Billing.Invoices' }));
got.extend(clientCertificates(credentials, { service: false }));
got.extend(
  clientCertificates(credentials, { service: process.env.SERVICE as 'Billing.Invoices' | undefined }),
);

void api('https://api.bank.example', { context: { clientCertificate: 'Billing.Invoices' } });
void api.stream('https://api.bank.example', { context: { clientCertificate: false } });

// @ts-expect-error: not a service of these credentials
clientCertificates(credentials, { service: 'Billing.Invoice' });
// @ts-expect-error: credentials, not their config
clientCertificates({ certificates: {} });
