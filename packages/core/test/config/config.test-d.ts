import { type Config, defineConfig, type Target } from '@clientcert/core';

/** Stands for whatever takes a config and knows its names afterwards. */
declare function load<CertificateName extends string = never, ServiceName extends string = never>(
  config: Config<CertificateName, ServiceName>,
): { resolve(target: Target<ServiceName>): void; certificate: CertificateName };

const credentials = load({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
    tax: { cert: 'tax.cer', key: 'tax.key', passphrase: { file: '/run/secrets/tax' }, ca: ['tax-root.cer'] },
    live: async () => ({ dir: '/var/run/secrets/tls', refresh: 60 }),
  },
  hosts: {
    'api.bank.example': 'bank',
    '*.tax.example:8443': { certificate: 'tax', tls: 'TLSv1.2' },
    'old.tax.example': { certificate: 'tax', tls: { min: 'TLSv1', legacy: true } },
    'status.bank.example': false,
    'private.example': { ca: 'private-root.pem' },
    'lab.example': { certificate: undefined, required: undefined, dangerouslyAcceptAnyServer: true },
  },
  services: {
    'Billing.InvoiceService': { certificate: 'tax', hosts: ['soap.tax.example', 'soap2.tax.example:8443'] },
    'Billing.Archive': 'bank',
    'Billing.None': false,
  },
  default: 'bank',
  proxy: { url: 'https://proxy.example:3128', certificate: 'bank' },
  tls: { min: 'TLSv1.2' },
});

const name: 'bank' | 'tax' | 'live' = credentials.certificate;
void name;
credentials.resolve('https://api.bank.example');
credentials.resolve(new URL('https://api.bank.example'));
credentials.resolve({ host: 'a.example', port: 8443, service: 'Billing.Archive' });
credentials.resolve({ host: 'a.example', service: false });
credentials.resolve({ host: 'a.example', service: undefined, origin: 'https://a.example' });
// @ts-expect-error: no such service
credentials.resolve({ host: 'a.example', service: 'Billing.Archives' });
// @ts-expect-error: no host
credentials.resolve({ port: 443 });

const certificates = { bank: { pfx: 'bank.pfx' } };
// @ts-expect-error: no such certificate
load({ certificates, hosts: { 'a.example': 'bnak' } });
// @ts-expect-error: no such certificate
load({ certificates, hosts: { 'a.example': { certificate: 'bnak' } } });
// @ts-expect-error: no such certificate
load({ certificates, services: { S: 'bnak' } });
// @ts-expect-error: no such certificate
load({ certificates, services: { S: { certificate: 'bnak', hosts: ['a.example'] } } });
// @ts-expect-error: no such certificate
load({ certificates, default: 'bnak' });
// @ts-expect-error: no such certificate
load({ certificates, proxy: { url: 'https://proxy.example', certificate: 'bnak' } });
// @ts-expect-error: there are no certificates
load({ hosts: { 'a.example': 'bank' } });
// @ts-expect-error: unknown option
load({ certificates, host: {} });
// @ts-expect-error: unknown option
load({ certificates, hosts: { 'a.example': { certificate: 'bank', tsl: 'TLSv1.2' } } });
// @ts-expect-error: hosts belong to services
load({ certificates, hosts: { 'a.example': { certificate: 'bank', hosts: ['b.example'] } } });
// @ts-expect-error: TLS below 1.2 is a range with legacy
load({ certificates, hosts: { 'a.example': { certificate: 'bank', tls: 'TLSv1' } } });
// @ts-expect-error: true is no rule
load({ certificates, hosts: { 'a.example': true } });
// @ts-expect-error: a certificate has one source
load({ certificates: { bank: { pfx: 'a.pfx', cert: 'a.pem' } } });
// @ts-expect-error: a pfx brings its own key
load({ certificates: { bank: { pfx: 'a.pfx', key: 'a.key' } } });
// @ts-expect-error: a certificate has a source
load({ certificates: { bank: {} } });

// Without services there is no service to name.
// @ts-expect-error: no services
load({ certificates, hosts: { 'a.example': 'bank' } }).resolve({ host: 'a.example', service: 'S' });
load({ certificates: {} });

// A config of its own: checked where it is written, its names known where it is used.
const defined = defineConfig({
  certificates: { bank: { pfx: 'bank.pfx' } },
  hosts: { 'a.example': 'bank' },
  services: { S: 'bank' },
});
load(defined).resolve({ host: 'a.example', service: 'S' });
// @ts-expect-error: no such service
load(defined).resolve({ host: 'a.example', service: 'T' });
// @ts-expect-error: no such certificate
defineConfig({ certificates: { bank: { pfx: 'bank.pfx' } }, hosts: { 'a.example': 'tax' } });
defineConfig({
  certificates: { bank: { pfx: 'bank.pfx', bundles: { 'bank.example': ['a.pem', { env: 'B' }] } } },
  hosts: { 'a.example': { certificate: 'bank', server: 'spiffe://bank.example' } },
});
// @ts-expect-error: one server, one id
defineConfig({ hosts: { 'a.example': { ca: 'a.pem', server: ['spiffe://a.example'] } } });

const constant = {
  certificates: { bank: { pfx: 'bank.pfx' } },
  hosts: { 'a.example': 'bank', 'b.example': { certificate: 'bank', spki: ['sha256/x'] } },
  services: { S: { certificate: 'bank', hosts: ['a.example'] } },
} as const;
load(constant).resolve({ host: 'a.example', service: 'S' });

// A config that is put together at run time has plain strings for names.
const loaded: Config = JSON.parse('{}');
load(loaded).resolve({ host: 'a.example', service: 'whatever' });
const hosts: Record<string, string> = {};
const sources: Record<string, { pfx: string; passphrase: string | undefined }> = {};
load({ certificates: sources, hosts, services: hosts, default: process.env.DEFAULT_CERTIFICATE }).resolve({
  host: 'a.example',
  service: 'whatever',
});
