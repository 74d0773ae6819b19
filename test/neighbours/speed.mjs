// Requests a second over mutual TLS, to one server in a process of its own, in interleaved rounds.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Program } from './program.mjs';

const CONCURRENCY = 16;
const SECONDS = 2;

/** @returns for each neighbour the medians of the rounds, keep-alive and new connections */
export async function measureSpeed(neighbours, world, rounds) {
  const { cert, key } = await world.authority.issue({ name: 'server', hosts: ['127.0.0.1'] });
  const server = fork(fileURLToPath(new URL('speed-server.mjs', import.meta.url)));
  const ask = async (message) => {
    server.send(message);
    const [answer] = await once(server, 'message');
    return answer;
  };
  const { port } = await ask({ start: { cert, key, ca: world.authority.certificate } });
  const running = [];
  const samples = {};
  try {
    const host = `https://127.0.0.1:${port}`;
    for (const neighbour of neighbours) {
      const { command, args, env } = neighbour.start;
      const program = new Program({ command, args, env: { ...env, NODE_EXTRA_CA_CERTS: world.ca } });
      const { certificate } = await world.identity('alice', neighbour.files);
      const made = await program.ask({ op: 'client', id: 'a', certificate, ca: world.ca, host });
      if (made.told) console.error(`${neighbour.id}: ${made.told}`);
      running.push({ neighbour, program });
    }
    // The first round warms up, and counts for nothing.
    for (let round = 0; round <= rounds; round++) {
      for (const { neighbour, program } of running) {
        for (const [way, path] of [
          ['kept', '/kept'],
          ['fresh', '/close'],
        ]) {
          await ask({ reset: true });
          const speed = {
            op: 'speed',
            id: 'a',
            url: `${host}${path}`,
            concurrency: CONCURRENCY,
            seconds: SECONDS,
          };
          const answer = await program.ask(speed, 60_000);
          const { requests, resumed, connections, strangers } = await ask({ seen: true });
          if (answer.told || strangers > 0 || round === 0) {
            if (answer.told) console.error(`${neighbour.id} ${way}: ${answer.told}`);
            continue;
          }
          samples[neighbour.id] ??= { kept: [], fresh: [] };
          samples[neighbour.id][way].push({
            ...answer,
            served: requests,
            resumed: resumed / connections,
            perConnection: requests / connections,
          });
        }
      }
      console.log(`round ${round} of ${rounds}`);
    }
  } finally {
    for (const { program } of running) await program.close();
    server.kill();
  }
  return Object.fromEntries(
    Object.entries(samples).map(([id, { kept, fresh }]) => {
      const row = {
        kept: summary(kept),
        fresh: { ...summary(fresh), resumed: median(fresh.map((each) => each.resumed)) },
      };
      console.log(id.padEnd(20), JSON.stringify(row));
      return [id, row];
    }),
  );
}

function summary(samples) {
  const rates = samples.map(({ requests, seconds }) => requests / seconds);
  const perCpu = samples.map(({ requests, cpu }) => requests / cpu);
  return {
    perSecond: round(median(rates)),
    low: round(Math.min(...rates)),
    high: round(Math.max(...rates)),
    perCpuSecond: round(median(perCpu)),
  };
}

const round = (value) => Number(value.toPrecision(3));
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
