// Requests over the routing agent, against Node's own agent with one prebuilt secure context (the limit) and
// with `pfx` on it (what people wire by hand). A server process of its own; interleaved rounds in one process.
//
//   npm run build && node test/bench/agent.mjs [rounds] [requests]
//
// Requests per second by the clock and by the client's own CPU time: on shared machines the latter is steadier.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import { argv, cpuUsage, exit } from 'node:process';
import { createSecureContext } from 'node:tls';
import { loadCredentials } from '@clientcert/core';
import { createAuthority, startServer } from '@clientcert/testing';

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
  const identity = { pfx: Buffer.from(pfx, 'base64'), passphrase: 'secret', ca };
  const agents = (options) => ({
    'by hand: pfx': new https.Agent({ ...options, ...identity }),
    'limit: one secure context': new https.Agent({
      ...options,
      secureContext: createSecureContext({ cert, key, ca }),
    }),
    clientcert: credentials.agent(options),
  });
  console.log(`Node ${process.version}, ${rounds} rounds, RSA 2048, 16 in flight`);
  await compare('keep-alive', agents({ keepAlive: true }), url, rounds, requests);
  await compare(
    'new connections',
    agents({ keepAlive: false, maxCachedSessions: 0 }),
    url,
    rounds,
    Math.ceil(requests / 15),
  );
  server.disconnect();
  await credentials.close();
}

async function compare(title, agents, url, rounds, requests) {
  const results = Object.fromEntries(Object.keys(agents).map((name) => [name, { clock: [], cpu: [] }]));
  for (let round = -1; round < rounds; round++) {
    // Turned by one every round, so that none is always first.
    const names = Object.keys(agents);
    names.push(...names.splice(0, (round + 1) % names.length));
    for (const name of names) {
      const before = { clock: performance.now(), cpu: cpuUsage() };
      await load(url, agents[name], requests);
      const { user, system } = cpuUsage(before.cpu);
      if (round < 0) continue; // the first one warms up
      results[name].clock.push((requests * 1e3) / (performance.now() - before.clock));
      results[name].cpu.push((requests * 1e6) / (user + system));
    }
  }
  console.log(
    `\n${title}`.padEnd(29),
    'requests/s'.padStart(12),
    'per CPU s'.padStart(12),
    '  of the limit, per CPU s (spread)',
  );
  const limit = results['limit: one secure context'].cpu;
  for (const [name, { clock, cpu }] of Object.entries(results)) {
    const ratios = cpu.map((value, index) => value / limit[index]);
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    console.log(
      `  ${name}`.padEnd(28),
      median(clock).toFixed(0).padStart(12),
      median(cpu).toFixed(0).padStart(12),
      `  ${median(ratios).toFixed(2)} (${spread})`,
    );
  }
  for (const agent of Object.values(agents)) agent.destroy();
}

async function load(url, agent, requests) {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) {
      await new Promise((resolve, reject) => {
        https.get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
      });
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
