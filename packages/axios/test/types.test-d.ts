import { type Credentials, clientCertificates } from '@clientcert/axios';
import axios, { type AxiosRequestConfig } from 'axios';

declare const credentials: Credentials<'bank' | 'tax', 'Billing.Invoices'>;

const api = axios.create();
const eject: () => void = clientCertificates(api, credentials);
clientCertificates(axios, Promise.resolve(credentials));
eject();

void api.get('/', { clientCertificate: 'Billing.Invoices' });
void api.post('/', {}, { clientCertificate: false });
void api({ url: '/', clientCertificate: process.env.SERVICE });
const config: AxiosRequestConfig = { clientCertificate: undefined };
void api.request(config);

// @ts-expect-error: a service's name, or false
void api.get('/', { clientCertificate: true });
// @ts-expect-error: an instance, not its defaults
clientCertificates(api.defaults, credentials);
// @ts-expect-error: credentials, not their config
clientCertificates(api, { certificates: {} });
