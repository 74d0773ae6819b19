import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import { adapterOf } from '../../src/adapter.ts';
import type { Credentials, FileSource } from '../../src/index.ts';
import { type Config, loadCredentials } from '../../src/index.ts';

const credentials = await loadCredentials({
  certificates: { bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE } },
  hosts: { 'api.bank.example': 'bank' },
  services: { 'Billing.Invoices': 'bank' },
});

// The services of the config are known wherever one is named.
credentials.agent({ service: 'Billing.Invoices', origin: 'https://api.bank.example' });
credentials.resolve({ host: 'api.bank.example', service: 'Billing.Invoices' });
credentials.explain({ host: 'api.bank.example', service: false });
adapterOf(credentials).connect({ host: 'api.bank.example', port: 443, service: 'Billing.Invoices' });
// @ts-expect-error: no such service
credentials.agent({ service: 'Billing.Invoice' });
// @ts-expect-error: no such service
credentials.resolve({ host: 'api.bank.example', service: 'Billing.Invoice' });
// @ts-expect-error: no such service
credentials.connectOptions({ host: 'api.bank.example', service: 'Billing.Invoice' });

// So are the names of the certificates.
const name: 'bank' | undefined = credentials.certificates()[0]?.name;
// @ts-expect-error: it is "bank"
const other: 'tax' | undefined = credentials.certificates()[0]?.name;

// A config without services knows none.
const plain = await loadCredentials({ certificates: { bank: { pfx: 'bank.pfx' } } });
// @ts-expect-error: no service at all
plain.agent({ service: 'Billing.Invoices' });

// What comes from a file, or as a plain Config, takes any name; and the literal one is as good as it.
const fromFile = await loadCredentials('clientcert.json');
fromFile.agent({ service: 'anything' });
const config: Config = { certificates: {} };
const loose: Credentials = await loadCredentials(config);
const general: Credentials = credentials;

// What fits no signature is told of as a config: with the option that is wrong.
// @ts-expect-error: no such option
await loadCredentials({ certificates: {}, hots: {} });
// @ts-expect-error: no such certificate
await loadCredentials({ certificates: { bank: { pfx: 'bank.pfx' } }, hosts: { 'a.example': 'bnak' } });
credentials.on('error', ({ code, hint }, { name: about }) => console.error(code, hint, about));
// @ts-expect-error: a share is written with its sign
await loadCredentials({ certificates: {}, expiryWarningDays: '20' });
await loadCredentials({ certificates: {}, expiryWarningDays: [30, '20%'], allowBroken: true });

// A source may be called, and may tell of its versions by itself.
await loadCredentials({
  certificates: {
    bank: async function* ({ signal }) {
      while (!signal.aborted) yield { pfx: 'bank.pfx' };
    },
    tax: async () => [{ pfx: 'tax.pfx' }].values() as unknown as AsyncIterable<FileSource>,
  },
});
await loadCredentials({
  certificates: {
    // @ts-expect-error: no such option
    bank: async function* () {
      yield { pfxx: 'bank.pfx' };
    },
  },
});

// A server presents a certificate of the config, by its name.
credentials.secureServer(createServer(), 'bank');
credentials.secureServer(createSecureServer(), 'bank');
// @ts-expect-error: no such certificate
credentials.secureServer(createServer(), 'tax');

// An agent takes the options of https.Agent, and a proxy without being told of its roots here.
credentials.agent({ maxSockets: 4, proxy: { url: 'http://proxy.example:3128', authorization: 'Basic …' } });
// @ts-expect-error: not an option
credentials.agent({ maxSocket: 4 });

export { fromFile, general, loose, name, other };
