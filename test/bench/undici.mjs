// Requests of undici and of Node's fetch over clientcert, against an Agent with one prebuilt secure context
// (the limit) and with `pfx` on it (what people wire by hand). A server process of its own; interleaved rounds.
//
//   npm run build && node test/bench/undici.mjs [rounds] [requests]
//
// Requests per second by the clock and by the client's own CPU time: on shared machines the latter is steadier.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { argv, cpuUsage, exit } from 'node:process';
import { createSecureContext } from 'node:tls';
import { createAuthority, startServer } from '@clientcert/testing';
import { clientCertificates, createFetch, loadCredentials } from '@clientcert/undici';
import { Agent, request } from 'undici';

if (process.send) await serve();
else await measure(Number(argv[2] ?? 7), Number(argv[3] ?? 3000));

async function serve() {
  const authority = await createAuthority();
  const alice = await authority.issue({ name: 'alice', keyType: 'rsa' });
  const server = await startServer({
    authority,
    keepAliveTimeout: 60_000,
    handler: (_, response) => response.end('ok'),
  });
  setInterval(() => server.requests.splice(0), 1000).unref();
  process.send({
    url: server.url,
    ca: authority.certificate,
    cert: alice.fullChain,
    key: alice.key,
    pfx: (await alice.pfx('secret')).toString('base64'),
  });
  process.on('disconnect', () => exit());
}

async function measure(rounds, requests) {
  const server = fork(new URL(import.meta.url));
  const [{ url, ca, cert, key, pfx }] = await once(server, 'message');
  const credentials = await loadCredentials({
    certificates: { alice: { cert, key, ca } },
    hosts: { [new URL(url).host]: 'alice' },
  });
  const agents = {
    pfx: new Agent({
      allowH2: false,
      connect: { pfx: Buffer.from(pfx, 'base64'), passphrase: 'secret', ca },
    }),
    context: new Agent({
      allowH2: false,
      connect: { secureContext: createSecureContext({ cert, key, ca }) },
    }),
    ours: new Agent().compose(clientCertificates(credentials, { allowH2: false })),
  };
  const drain = async (dispatcher, reset) => (await request(url, { dispatcher, reset })).body.dump();
  const ourFetch = createFetch(credentials, { allowH2: false });
  const read = async (response) => (await response).arrayBuffer();

  console.log(`Node ${process.version}, ${rounds} rounds, RSA 2048, 16 in flight`);
  await compare('request, keep-alive', rounds, requests, {
    'by hand: pfx': () => drain(agents.pfx),
    'limit: one secure context': () => drain(agents.context),
    clientcert: () => drain(agents.ours),
  });
  await compare('request, new connections', rounds, Math.ceil(requests / 15), {
    'by hand: pfx': () => drain(agents.pfx, true),
    'limit: one secure context': () => drain(agents.context, true),
    clientcert: () => drain(agents.ours, true),
  });
  await compare('fetch, keep-alive', rounds, Math.ceil(requests / 2), {
    'by hand: pfx': () => read(fetch(url, { dispatcher: agents.pfx })),
    'limit: one secure context': () => read(fetch(url, { dispatcher: agents.context })),
    clientcert: () => read(ourFetch(url)),
  });
  server.disconnect();
  await credentials.close();
}

async function compare(title, rounds, requests, clients) {
  const results = Object.fromEntries(Object.keys(clients).map((name) => [name, { clock: [], cpu: [] }]));
  for (let round = -1; round < rounds; round++) {
    // Turned by one every round, so that none is always first.
    const names = Object.keys(clients);
    names.push(...names.splice(0, (round + 1) % names.length));
    for (const name of names) {
      const before = { clock: performance.now(), cpu: cpuUsage() };
      await load(clients[name], requests);
      const { user, system } = cpuUsage(before.cpu);
      if (round < 0) continue; // the first one warms up
      results[name].clock.push((requests * 1e3) / (performance.now() - before.clock));
      results[name].cpu.push((requests * 1e6) / (user + system));
    }
  }
  console.log(`\n${title}`.padEnd(29), 'requests/s'.padStart(12), 'per CPU s'.padStart(12), '  of the limit');
  const limit = results['limit: one secure context'];
  for (const [name, { clock, cpu }] of Object.entries(results)) {
    console.log(
      `  ${name}`.padEnd(28),
      median(clock).toFixed(0).padStart(12),
      median(cpu).toFixed(0).padStart(12),
      `  CPU ${ratio(cpu, limit.cpu)}, clock ${ratio(clock, limit.clock)}`,
    );
  }
}

/** The median of the rounds' ratios, and their spread. */
function ratio(values, limits) {
  const ratios = values.map((value, index) => value / limits[index]);
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
}

async function load(send, requests) {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
