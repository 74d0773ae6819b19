import { readFileSync } from 'node:fs';
import { createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { rates } from './rates.ts';
import { type Examples, layOut } from './run.ts';

let server: TestServer;
let examples: Examples;
let tax: Uint8Array;

beforeAll(async () => {
  const authority = await createAuthority();
  examples = await layOut(authority, ['core', 'soap']);
  tax = await (await authority.issue({ name: 'tax', keyType: 'rsa' })).pfx('for the taxes');
  server = await startServer({ authority, hosts: ['api.bank.example'], handler: rates });
}, 60_000);
afterAll(async () => {
  await server?.close();
  await examples?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.requests.length = 0;
});

it.each([
  ['basic.mjs', ['GET bank', 'POST bank'], '1.08'],
  ['services.mjs', ['GET bank', 'POST bank', 'POST tax'], ''],
  ['signed.mjs', ['GET bank', 'POST bank'], '1.08'],
  ['without-await.cjs', ['GET bank', 'POST bank'], '1.08'],
  ['endpoint.mjs', ['POST bank'], '1.08'],
])('examples/soap/%s', async (file, expected, said) => {
  const ports = { 'api.bank.example:443': server.port };
  const env = { TAX_PASSPHRASE: 'for the taxes', SOAP_PASSWORD: 'secret' };
  const files = {
    'tax.pfx': tax,
    'rates.wsdl': readFileSync(new URL('../soap/rates.wsdl', import.meta.url)),
  };
  const { code, output } = await examples.run(`soap/${file}`, ports, { files, env });
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(said) });
  const seen = server.requests.map(
    ({ method, clientCertificate }) => `${method} ${clientCertificate?.commonName ?? 'none'}`,
  );
  expect(seen).toEqual(expected);
  if (file === 'signed.mjs') {
    const { body } = server.requests.at(-1)!;
    for (const part of ['BinarySecurityToken', 'SignatureValue', 'Timestamp', 'UsernameToken']) {
      expect(body).toContain(part);
    }
  }
});
