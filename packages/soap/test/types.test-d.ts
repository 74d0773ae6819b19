import {
  ClientCertificateSecurity,
  type Credentials,
  loadCredentials,
  type SoapOptions,
  soapOptions,
} from '@clientcert/soap';
import { BasicAuthSecurity, type Client, createClientAsync } from 'soap';

declare const credentials: Credentials<'bank' | 'tax', 'Billing.Invoices'>;
declare const client: Client;
const wsdl = 'https://api.bank.example/payments?wsdl';

void createClientAsync(wsdl, soapOptions(credentials));
void createClientAsync(wsdl, soapOptions(loadCredentials('clientcert.json'), { service: false }));
const options: SoapOptions<'Billing.Invoices'> = {
  service: 'Billing.Invoices',
  origin: new URL(wsdl),
  proxy: 'env',
  disableCache: true,
};
void createClientAsync(wsdl, soapOptions(credentials, options));

client.setSecurity(new ClientCertificateSecurity(credentials));
client.setSecurity(
  new ClientCertificateSecurity(Promise.resolve(credentials), {
    service: 'Billing.Invoices',
    sign: { hasTimeStamp: false },
    and: [new BasicAuthSecurity('user', 'password')],
  }),
);

declare const service: string | undefined;
void soapOptions(credentials as Credentials, { service });

// @ts-expect-error: no service of this config
void soapOptions(credentials, { service: 'Nope' });
// @ts-expect-error: no service of this config
new ClientCertificateSecurity(Promise.resolve(credentials), { service: 'Nope' });
// @ts-expect-error: credentials, not their config
soapOptions({ certificates: {} });
// @ts-expect-error: a service's name, or false
soapOptions(credentials, { service: true });
// @ts-expect-error: true, or the options of a signature
new ClientCertificateSecurity(credentials, { sign: 'yes' });
