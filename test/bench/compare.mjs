// What the benchmarks of requests have in common: a server process of its own, interleaved rounds in one client
// process, and ratios to the limit, which is the same client over one prebuilt secure context.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { argv, cpuUsage, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { createAuthority, startServer } from '@clientcert/testing';

export const limit = 'limit: one secure context';
export const byHand = 'by hand: pfx';

const rounds = Number(argv[2] ?? 7);
const requests = Number(argv[3] ?? 3000);

if (process.send && argv[1] === fileURLToPath(import.meta.url)) await serve();

/** Starts the server; resolves to where it is and to what it takes, as PEM and as PFX. */
export async function startPeer() {
  const server = fork(new URL(import.meta.url));
  const [{ pfx, ...peer }] = await once(server, 'message');
  console.log(`Node ${process.version}, ${rounds} rounds, RSA 2048, 16 in flight`);
  return { ...peer, pfx: Buffer.from(pfx, 'base64'), passphrase: 'secret', close: () => server.disconnect() };
}

/**
 * Compares senders by name, one of them the limit.
 *
 * @param share Of the requests of a round: new connections cost more, so fewer of them do.
 */
export async function compare(title, senders, share = 1) {
  const amount = Math.ceil(requests * share);
  const results = Object.fromEntries(Object.keys(senders).map((name) => [name, { clock: [], cpu: [] }]));
  for (let round = -1; round < rounds; round++) {
    // Turned by one every round, so that none is always first.
    const names = Object.keys(senders);
    names.push(...names.splice(0, (round + 1) % names.length));
    for (const name of names) {
      const before = { clock: performance.now(), cpu: cpuUsage() };
      await load(senders[name], amount);
      const { user, system } = cpuUsage(before.cpu);
      if (round < 0) continue; // the first one warms up
      results[name].clock.push((amount * 1e3) / (performance.now() - before.clock));
      results[name].cpu.push((amount * 1e6) / (user + system));
    }
  }
  console.log(`\n${title}`.padEnd(33), 'requests/s'.padStart(12), 'per CPU s'.padStart(12), '  of the limit');
  for (const [name, { clock, cpu }] of Object.entries(results)) {
    console.log(
      `  ${name}`.padEnd(32),
      median(clock).toFixed(0).padStart(12),
      median(cpu).toFixed(0).padStart(12),
      `  CPU ${ratio(cpu, results[limit].cpu)}, clock ${ratio(clock, results[limit].clock)}`,
    );
  }
}

async function serve() {
  const authority = await createAuthority();
  const alice = await authority.issue({ name: 'alice', keyType: 'rsa' });
  const said = '<said xmlns="urn:bench">ok</said>';
  const envelope = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>${said}</e:Body></e:Envelope>`;
  const server = await startServer({
    authority,
    keepAliveTimeout: 60_000,
    handler: (request, response) => {
      request.resume();
      if (request.method === 'POST') response.setHeader('content-type', 'text/xml').end(envelope);
      else response.end('ok');
    },
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

async function load(send, amount) {
  let left = amount;
  const worker = async () => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** The median of the rounds' ratios, and their spread. */
function ratio(values, limits) {
  const ratios = values.map((value, index) => value / limits[index]);
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
