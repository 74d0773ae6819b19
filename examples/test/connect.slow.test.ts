import { createServer } from 'node:https';
import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPostgres, startPostgres } from './postgres.ts';
import { type Examples, layOut } from './run.ts';
import {
  mailServer,
  type StartServer,
  startBroker,
  startGrpc,
  startHttp2,
  startKafka,
  startSyslog,
  startWebSocket,
  startWebSocketOn,
} from './servers.ts';

/** An example, a server of the kind that it calls, and what both are to say. */
interface Case {
  example: string;
  how?: string;
  edit?: (source: string) => string;
  at: string;
  start: StartServer;
  seen: string[];
  output: string;
}

const postgres = findPostgres();

const cases: Case[] = [
  {
    example: 'tls.mjs',
    at: 'syslog.bank.example:6514',
    start: startSyslog,
    seen: ['bank', '<13>1 - app.example ledger - - - Payment received\n'],
    output: '',
  },
  {
    example: 'http2.mjs',
    at: 'api.bank.example:443',
    start: startHttp2,
    seen: ['bank', '/accounts'],
    output: 'HTTP/2.0\n',
  },
  {
    example: 'ws.mjs',
    at: 'rates.bank.example:443',
    start: startWebSocket,
    seen: ['bank', '/EUR'],
    output: '1.08\n',
  },
  {
    example: 'ws.mjs',
    how: 'with connectOptions in place of the agent',
    edit: (source) =>
      source.replace(/{ agent, .*}/, 'credentials.connectOptions(url)').replace(/^const agent.*/m, ''),
    at: 'rates.bank.example:443',
    start: startWebSocket,
    seen: ['bank', '/EUR'],
    output: '1.08\n',
  },
  {
    example: 'mqtt.mjs',
    at: 'broker.bank.example:8883',
    start: startBroker,
    seen: ['bank', 'payments: EUR 100'],
    output: '',
  },
  {
    example: 'nodemailer.mjs',
    at: 'smtp.bank.example:465',
    start: mailServer(true),
    seen: ['bank', 'EUR 100'],
    output: '',
  },
  {
    example: 'nodemailer.mjs',
    how: 'with STARTTLS',
    edit: (source) => source.replace('secure: true', 'secure: false').replaceAll('465', '587'),
    at: 'smtp.bank.example:587',
    start: mailServer(false),
    seen: ['bank', 'EUR 100'],
    output: '',
  },
  {
    example: 'grpc.mjs',
    at: 'grpc.bank.example:443',
    start: startGrpc,
    seen: ['bank', 'NL02BANK0123456789'],
    output: '{ balance: 100 }\n',
  },
  {
    example: 'pg.mjs',
    at: 'db.bank.example:5432',
    start: (authority, host) => startPostgres(postgres!, authority, host),
    seen: [],
    output: '/CN=bank\n',
  },
];

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority);
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

for (const { example, how = 'as it stands', edit, at, start, seen, output } of cases) {
  const missing = example === 'pg.mjs' && postgres === undefined;
  const name = `examples/connect/${example}, ${how}${missing ? ' (PostgreSQL is not installed)' : ''}`;

  it.skipIf(missing)(name, { timeout: 60_000 }, async () => {
    const arrived: unknown[] = [];
    await using server = await start(authority, hostOf(at), arrived);
    const run = await examples.run(`connect/${example}`, { [at]: server.port }, { edit });
    expect(run).toEqual({ code: 0, output });
    expect(arrived).toEqual(seen);
  });

  it.skipIf(missing)(`${name}, where the server has another key than the pinned`, async () => {
    const arrived: unknown[] = [];
    await using server = await start(authority, hostOf(at), arrived);
    const pin = (source: string) =>
      (edit?.(source) ?? source).replace(
        /(hosts: .*)'bank' }/,
        `$1{ certificate: 'bank', spki: ['sha256/${'A'.repeat(43)}='] } }`,
      );
    const run = await examples.run(
      `connect/${example}`,
      { [at]: server.port },
      { edit: pin, timeout: 4_000 },
    );
    expect(run).toEqual({ code: 1, output: expect.stringMatching(/is none of the 1 pinned/) });
    expect(arrived.join()).not.toContain(seen[1] ?? output);
  });
}

it('examples/connect/ws.mjs presents none where it is redirected to', async () => {
  const arrived: unknown[] = [];
  await using bank = await startServer({
    authority,
    hosts: ['rates.bank.example'],
    handler: (_, response) => response.writeHead(302, { location: 'wss://elsewhere.example/EUR' }).end(),
  });
  const { cert, key } = await authority.issue({
    name: 'elsewhere',
    hosts: ['elsewhere.example'],
    usage: 'server',
  });
  const open = createServer({ cert, key, requestCert: true, rejectUnauthorized: false });
  await using elsewhere = await startWebSocketOn(open, arrived);
  const run = await examples.run('connect/ws.mjs', {
    'rates.bank.example:443': bank.port,
    'elsewhere.example:443': elsewhere.port,
  });
  expect(run).toEqual({ code: 0, output: '1.08\n' });
  expect(bank.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual(['bank']);
  expect(arrived).toEqual(['nobody', '/EUR']);
});

it('examples/connect/kafka.mjs reaches every broker under its own name', async () => {
  const brokers = ['one', 'two'].map((name) => ({ host: `${name}.kafka.bank.example`, port: 9093 }));
  const arrived: unknown[] = [];
  const [one, two] = brokers.map(({ host }) => host);
  await using first = await startKafka(authority, one!, arrived, brokers);
  await using second = await startKafka(authority, two!, arrived, brokers);
  const ports = { [`${one}:9093`]: first.port, [`${two}:9093`]: second.port };
  const run = await examples.run('connect/kafka.mjs', ports);
  expect(run).toEqual({ code: 0, output: '' });
  expect(new Set(arrived)).toEqual(new Set([`${one}: bank`, `${two}: bank`, `${two}: EUR 100`]));
});

/** Puts a renewed certificate in place of what follows `marker` in an example, and goes on with `then`. */
function renewing(marker: string, then: string): (source: string) => string {
  return (source) => {
    const [before, after] = source.split(marker);
    if (after === undefined) throw new Error(`nothing reads ${marker}`);
    return `import { copyFileSync } from 'node:fs';
${before}
copyFileSync('renewed.pfx', 'bank.pfx');
const { changed } = await credentials.reload();
if (changed.length === 0) throw new Error('not renewed');
${then}`;
  };
}

it('examples/connect/mqtt.mjs comes back with the renewed certificate', async () => {
  const renewed = await authority.issue({ name: 'bank', subject: { O: 'renewed', CN: 'bank' } });
  const arrived: unknown[] = [];
  await using server = await startBroker(authority, 'broker.bank.example', arrived);
  const edit = renewing(
    'await client.publishAsync',
    `await client.publishAsync('payments', 'before', { qos: 1 });
const back = new Promise((resolve) => client.once('connect', resolve));
client.stream.destroy();
await back;
await client.publishAsync('payments', 'after', { qos: 1 });
await client.endAsync();`,
  );
  const files = { 'renewed.pfx': await renewed.pfx('for the bank') };
  const ports = { 'broker.bank.example:8883': server.port };
  const run = await examples.run('connect/mqtt.mjs', ports, { edit, files });
  expect(run).toEqual({ code: 0, output: '' });
  expect(arrived).toEqual(['bank', 'payments: before', 'O=renewed\nbank', 'payments: after']);
});

it.skipIf(postgres === undefined)(
  'examples/connect/pg.mjs makes new connections with the renewed certificate',
  { timeout: 60_000 },
  async () => {
    const renewed = await authority.issue({ name: 'bank', subject: { O: 'renewed', CN: 'bank' } });
    await using server = await startPostgres(postgres!, authority, 'db.bank.example');
    const edit = renewing(
      'const { rows }',
      `const { rows } = await pool.query('SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
console.log(rows[0].client_dn);
await pool.end();`,
    );
    const files = { 'renewed.pfx': await renewed.pfx('for the bank') };
    const run = await examples.run(
      'connect/pg.mjs',
      { 'db.bank.example:5432': server.port },
      { edit, files },
    );
    expect(run).toEqual({ code: 0, output: '/O=renewed/CN=bank\n' });
  },
);

function hostOf(at: string): string {
  return at.split(':')[0]!;
}
