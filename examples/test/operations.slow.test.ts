import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Examples, layOut } from './run.ts';

let examples: Examples;
beforeAll(async () => {
  examples = await layOut(await createAuthority());
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

const ask = `
import { once } from 'node:events';
if (!example.server.listening) await once(example.server, 'listening');
const response = await fetch(\`http://127.0.0.1:\${example.server.address().port}/\`);
console.log(response.status, await response.text());
process.exit();`;

it.each([
  ['health.mjs', '200 {"status":"ok","reasons":[]}'],
  ['prometheus.mjs', 'clientcert_certificate_expiry_seconds{certificate="bank"}'],
])('examples/operations/%s', async (file, said) => {
  const run = await examples.run(`operations/${file}`, {}, { after: ask, env: { PORT: '0' } });
  expect(run).toEqual({ code: 0, output: expect.stringContaining(said) });
});

it('examples/operations/server.mjs', async () => {
  const authority = await createAuthority();
  const [workload, client] = await Promise.all([
    authority.issue({ name: 'workload', hosts: ['localhost', '127.0.0.1'], usage: 'both' }),
    authority.issue({ name: 'client' }),
  ]);
  const after = `
import { once } from 'node:events';
import { get } from 'node:https';
if (!example.server.listening) await once(example.server, 'listening');
const { port } = example.server.address();
const call = (options) => new Promise((resolve) => {
  get({ host: '127.0.0.1', port, ca: process.env.ROOT, agent: false, ...options }, (response) => {
    const { subject } = response.socket.getPeerX509Certificate();
    response.on('data', (data) => resolve(subject + ': ' + data));
  }).on('error', () => resolve('refused'));
});
console.log(await call({ cert: process.env.CERT, key: process.env.KEY }));
console.log(await call({}));
process.exit();`;
  const { code, output } = await examples.run(
    'operations/server.mjs',
    {},
    {
      after,
      files: {
        'workload.crt': workload.fullChain,
        'workload.key': workload.key,
        'clients.pem': authority.certificate,
      },
      env: { PORT: '0', ROOT: authority.certificate, CERT: client.cert, KEY: client.key },
    },
  );
  expect({ code, output }).toEqual({
    code: 0,
    output: expect.stringMatching(/CN=workload: hello\s+refused/),
  });
});

it('examples/operations/opentelemetry.mjs', async () => {
  const run = await examples.run('operations/opentelemetry.mjs', {});
  expect(run).toEqual({ code: 0, output: expect.stringContaining('clientcert.certificate.expiry') });
});

it.skipIf(process.platform === 'win32')('examples/operations/reload.mjs', async () => {
  const config = {
    certificates: { bank: { pfx: 'bank.pfx', passphrase: { env: 'BANK_PASSPHRASE' } } },
    hosts: { 'api.bank.example': 'bank' },
  };
  const after = `
import { writeFileSync } from 'node:fs';
const config = ${JSON.stringify(config)};
const alive = setInterval(() => {}, 1000); // a signal that is on its way keeps no process
const hup = async (text) => {
  writeFileSync('clientcert.json', text);
  const said = ['log', 'error'].map((name) => new Promise((resolve) => {
    const print = console[name];
    console[name] = (line) => resolve(print(line));
  }));
  process.kill(process.pid, 'SIGHUP');
  await Promise.race(said);
};
await hup(JSON.stringify({ ...config, hosts: { ...config.hosts, 'www.bank.example': 'bank' } }));
console.log(example.credentials.resolve('https://www.bank.example').certificate);
await hup('{ "hosts": { "api.bank.example": "nobody" } }');
console.log(example.credentials.resolve('https://www.bank.example').certificate);
process.exit();`;
  const files = { 'clientcert.json': JSON.stringify(config) };
  const { code, output } = await examples.run('operations/reload.mjs', {}, { after, files });
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('changed: nothing\nbank\n') });
  // Two streams, each in an order of its own.
  expect(output).toMatch(/^the old config stays: .*nobody/m);
  expect(output.match(/^bank$/gm)).toHaveLength(2);
});
