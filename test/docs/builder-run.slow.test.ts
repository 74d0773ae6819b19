import { createAuthority, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answers, build, type Client, start } from '../../docs/.vitepress/theme/builder.ts';
import { rates } from '../../examples/test/rates.ts';
import { type Examples, layOut } from '../../examples/test/run.ts';

let authority: Awaited<ReturnType<typeof createAuthority>>;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios', 'got', 'soap', 'undici']);
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

const clients: Client[] = ['axios', 'got', 'soap', 'undici', 'fetch', 'https'];
const calls: [string, Partial<Answers>][] = [
  ['a host', { hosts: 'api.bank.example' }],
  ['a host by wildcard, over TLS 1.2', { hosts: '*.bank.example:*', tls: 'TLSv1.2' }],
  ['a service’s host', { hosts: '', services: 'Billing: www.bank.example' }],
  ['a service without hosts', { hosts: 'api.bank.example', services: 'Billing' }],
];

describe.each(clients)('what the builder shows for %s', (client) => {
  it.each(calls)(
    'presents the certificate to %s',
    async (_, given) => {
      await using server = await startServer({
        authority,
        hosts: ['api.bank.example', 'www.bank.example'],
        handler: client === 'soap' ? rates : undefined,
      });
      const { esm, commonjs } = build({ ...start, client, privateRoot: true, ...given });
      const ports = { 'api.bank.example:443': server.port, 'www.bank.example:443': server.port };
      const env = { BANK_PASSPHRASE: 'for the bank', NODE_EXTRA_CA_CERTS: '' };
      // Files of examples that are there, with the builder's text in them.
      for (const [file, text] of [
        ['serverless/handler.mjs', esm],
        ['serverless/handler.cjs', commonjs],
      ] as const) {
        const run = await examples.run(file, ports, { edit: () => text, env });
        expect(run).toEqual({ code: 0, output: expect.stringMatching(/\S/) });
      }
      const seen = server.requests.map(({ clientCertificate }) => clientCertificate?.commonName);
      expect(seen).toEqual(['bank', 'bank']);
    },
    20_000,
  );
});

it.each<[Answers['kind'], (bank: Examples['bank']) => Record<string, string>]>([
  ['pair', (bank) => ({ 'bank.crt': bank.cert, 'bank.key': bank.encryptedKey('for the bank') })],
  ['pem', (bank) => ({ 'bank.pem': bank.cert + bank.encryptedKey('for the bank') })],
])('the certificate came as a %s', async (kind, filesOf) => {
  await using server = await startServer({ authority, hosts: ['api.bank.example'] });
  const { esm } = build({ ...start, client: 'https', kind, privateRoot: true });
  const run = await examples.run(
    'serverless/handler.mjs',
    { 'api.bank.example:443': server.port },
    { edit: () => esm, env: { BANK_PASSPHRASE: 'for the bank' }, files: filesOf(examples.bank) },
  );
  expect(run.code).toBe(0);
  expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual(['bank']);
});
