import { type Credentials, clientCertificates, createDispatcher, createFetch } from '@clientcert/undici';
import { Agent, type Dispatcher, interceptors, request, fetch as undiciFetch } from 'undici';

declare const credentials: Credentials<'bank', 'Billing.Invoices'>;
const url = 'https://api.bank.example';

export async function use(): Promise<void> {
  const dispatcher = new Agent().compose(clientCertificates(credentials, { service: 'Billing.Invoices' }));
  clientCertificates(credentials, {
    allowH2: true,
    connections: 2,
    proxy: 'env',
    connect: { timeout: 1000 },
  });
  // @ts-expect-error: not in the config
  clientCertificates(credentials, { service: 'Billing.Invoice' });
  // @ts-expect-error: connections are the rules'
  clientCertificates(credentials, { factory: () => new Agent() });

  await request(url, { dispatcher, clientCertificate: 'Billing.Invoices' });
  await request(url, { dispatcher, clientCertificate: false });
  const clientCertificate = { service: 'Billing.Archive', origin: url };
  await dispatcher.request({ origin: url, path: '/', method: 'GET', clientCertificate });
  // @ts-expect-error: true is not a service
  await request(url, { dispatcher, clientCertificate: true });

  const ready: Dispatcher = createDispatcher(credentials, { service: 'Billing.Invoices', connections: 2 });
  await request(url, { dispatcher: ready.compose(interceptors.retry()), clientCertificate: false });
  // @ts-expect-error: not in the config
  createDispatcher(credentials, { service: 'Billing.Invoice' });

  // In place of fetch: what takes one takes this.
  const own: typeof fetch = createFetch(credentials);
  const response: Response = await own(url, { method: 'POST', body: '{}' });
  const call = createFetch(Promise.resolve(credentials), { service: false });
  await call(new URL(url), { clientCertificate: 'Billing.Invoices', method: 'PUT' });
  // @ts-expect-error: not in the config
  await call(url, { clientCertificate: 'Billing.Invoice' });

  const overUndici = createFetch(credentials, { fetch: undiciFetch, dispatcher: new Agent() });
  const answer: Awaited<ReturnType<typeof undiciFetch>> = await overUndici(url);
  await Promise.all([response.text(), answer.text()]);
}
