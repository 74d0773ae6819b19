import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Answers,
  addCertificate,
  build,
  findMistakes,
  start,
} from '../../docs/.vitepress/theme/builder.ts';
import { checkConfig } from '../../packages/core/src/config/check.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../packages/core/schema/clientcert.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv({ strict: false }).compile(schema);

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
// Some of few, so that what is written twice is drawn too.
const host = fc
  .tuple(
    fc.boolean(),
    fc.oneof(label, fc.constantFrom('a', 'b')),
    fc.oneof(label, fc.constant('c')),
    fc.constantFrom('', ':8443', ':*', ':1'),
  )
  .map(([wildcard, a, b, port]) => `${wildcard ? '*.' : ''}${a}.${b}.example${port}`);
const service = fc
  .tuple(fc.stringMatching(/^[A-Z][A-Za-z.]{0,12}[a-z]$/), fc.array(host, { maxLength: 2 }))
  .map(([name, hosts]) => (hosts.length > 0 ? `${name}: ${hosts.join(', ')}` : name));

const certificate = {
  // `sk-` begins keys of APIs, and the library takes no name that reads as one.
  name: fc
    .stringMatching(/^[a-z][a-z0-9]{0,4}(?:[.-][a-z0-9]{1,3}){0,2}$/)
    .filter((name) => !name.startsWith('sk-')),
  kind: fc.constantFrom('pfx', 'pair', 'pem', 'jks', 'directory', 'token'),
  token: fc
    .tuple(
      fc.constantFrom('token', 'serial', 'object'),
      label,
      fc.constantFrom('', ';id=%0a', ';type=private'),
    )
    .map(([name, value, more]) => `pkcs11:${name}=${value}${more}`),
  engine: fc.boolean(),
  encrypted: fc.boolean(),
  privateRoot: fc.boolean(),
  hosts: fc.uniqueArray(host, { maxLength: 4 }).map((hosts) => hosts.join('\n')),
  services: fc.array(service, { maxLength: 3 }).map((services) => services.join('\n')),
  tls: fc.constantFrom('default', 'TLSv1.2', 'TLSv1.3', 'legacy'),
} as const;
const answers: fc.Arbitrary<Answers> = fc.record({
  ...certificate,
  client: fc.constantFrom('axios', 'got', 'soap', 'undici', 'fetch', 'https'),
  proxy: fc.constantFrom('unset', 'env', 'false'),
  others: fc.array(fc.record(certificate), { maxLength: 2 }),
});
const mistaken = (given: Answers) => findMistakes(given).map((mistakes) => Object.keys(mistakes).sort());

it('what the builder shows is valid against the published schema, and core takes it', async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (given) => {
      fc.pre(mistaken(given).flat().length === 0);
      const { config, json, esm, commonjs, install } = build(given);
      expect(JSON.parse(json)).toEqual(config);
      expect([validate(config), validate.errors]).toEqual([true, null]);
      await checkConfig(config);
      // Both are JavaScript, and say the same.
      const asScript = esm.replaceAll(/^import .*$/gm, '').replace('await ', '');
      for (const code of [`async () => {\n${asScript}\n}`, commonjs])
        expect(() => new Script(code)).not.toThrow();
      for (const code of [esm, commonjs]) expect(literalOf(code)).toEqual(config);
      expect(install).toMatch(/^npm install @clientcert\//);
      expect(json + esm + commonjs).not.toMatch(/BEGIN|secret"/);
    }),
    { numRuns: 100 },
  );
});

/** The object that `loadCredentials` is called with. */
function literalOf(code: string): unknown {
  const [, written] = /loadCredentials\(([\s\S]*?)\)(?:;|\.then)/.exec(code)!;
  return JSON.parse(JSON.stringify(new Script(`(${written})`).runInNewContext()));
}

it.each<[keyof Answers, string]>([
  ['hosts', 'https://api.bank.example'],
  ['hosts', 'api.bank.example/accounts'],
  ['hosts', 'api.bank.example:99999'],
  ['hosts', 'api.*.example'],
  ['hosts', '*.com'],
  ['hosts', '*.192.0.2.1'],
  ['hosts', 'api.bank.example\nAPI.bank.example:443'],
  ['hosts', ''],
  ['name', ''],
  ['name', 'a b'],
  ['services', ': api.bank.example'],
  ['services', 'Billing: https://api.bank.example'],
  ['services', 'Billing: api.bank.example, API.bank.example:443'],
])('a mistake in %s is told at that field: %j', (field, value) => {
  expect(mistaken({ ...start, [field]: value })).toEqual([[field]]);
  const free = { ...start, name: 'other', hosts: 'free.example' };
  expect(mistaken({ ...start, others: [{ ...free, [field]: value }] })).toEqual([[], [field]]);
});

it.each([
  'pkcs11:token=bank;object=client;pin-value=1234',
  'pkcs11:token=bank?pin-value=1234',
  'pkcs11:token=my bank',
  'pkcs11:model=x',
  'pkcs11:token=a;token=b',
  'pkcs11:token=a;type=cert',
  'bank.key',
  '',
])('a mistake in the URI of a token is told there: %j', (token) => {
  expect(mistaken({ ...start, kind: 'token', token })).toEqual([['token']]);
  expect(mistaken({ ...start, token })).toEqual([[]]);
});

it('names a key on a token, its PIN, and an engine where there is no provider', async () => {
  const given: Answers = { ...start, kind: 'token', engine: true };
  const { config } = build(given);
  expect(config.certificates).toEqual({
    bank: {
      cert: 'bank.pem',
      key: 'pkcs11:token=bank;object=client',
      engine: '/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so',
      pin: { env: 'BANK_PIN' },
    },
  });
  await checkConfig(config);
  expect(build({ ...given, engine: false, encrypted: false }).config.certificates).toEqual({
    bank: { cert: 'bank.pem', key: 'pkcs11:token=bank;object=client' },
  });
});

it('pins several certificates, each to its own', async () => {
  const given: Answers = { ...start, others: [] };
  addCertificate(given);
  addCertificate(given);
  expect(mistaken(given)).toEqual([[], ['hosts'], ['hosts']]);
  Object.assign(given.others[0]!, {
    name: 'tax',
    kind: 'pair',
    services: 'Billing.Invoices',
    tls: 'TLSv1.2',
  });
  Object.assign(given.others[1]!, { name: 'mail', hosts: 'mail.example:*', encrypted: false });
  const { config } = build(given);
  expect(config).toEqual({
    certificates: {
      bank: { pfx: 'bank.pfx', passphrase: { env: 'BANK_PASSPHRASE' } },
      tax: { cert: 'tax.crt', key: 'tax.key', passphrase: { env: 'TAX_PASSPHRASE' } },
      mail: { pfx: 'mail.pfx' },
    },
    hosts: { 'api.bank.example': 'bank', 'mail.example:*': 'mail' },
    services: { 'Billing.Invoices': { certificate: 'tax', tls: 'TLSv1.2' } },
  });
  await checkConfig(config);
  // What one has is told at the other.
  Object.assign(given.others[1]!, {
    name: 'bank',
    hosts: 'API.bank.example:443',
    services: 'Billing.Invoices',
  });
  expect(mistaken(given)).toEqual([[], [], ['hosts', 'name', 'services']]);
});
