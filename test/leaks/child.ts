import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { type Cell, cellsOf } from './cells.ts';
import { clients } from './clients.ts';
import { play } from './play.ts';
import { live, livesOf } from './renewals.ts';
import { canaryOf, type Findings, lookForSecrets, type Secrets } from './secrets.ts';
import { createTally, type Tally } from './tally.ts';
import { createWorld, hosts, type Materials, type Pem, readMaterials } from './world.ts';

/** What run.mjs asks for. */
export interface Task {
  readonly seed: number;
  readonly share: number;
  /** All of them unless given. */
  readonly clients?: readonly string[];
}

const [what = '', directory = '', task = '{}'] = process.argv.slice(2);
if (what === 'prepare') await prepare();
else if (what === 'secrets') await findSecrets(JSON.parse(task));
else await run(JSON.parse(task));

/** Node reads roots of its own before it runs anything: they have to be there by then. */
async function prepare(): Promise<void> {
  const authority = await createAuthority();
  const pem = async (name: string, more: object = {}): Promise<Pem> => {
    const { fullChain, key } = await authority.issue({ name, ...more });
    return { cert: fullChain, key };
  };
  const materials: Materials = {
    ca: authority.certificate,
    server: await pem('server', {
      usage: 'server',
      hosts: [...hosts, 'proxy.example', 'gate.example'],
    }),
    alice: await pem('alice'),
    renewed: await pem('alice'),
    expired: await pem('alice', { expired: true }),
    bob: await pem('bob'),
    carol: await pem('carol'),
  };
  const secret = await authority.issue({ name: 'alice' });
  const passphrase = 'canary-of-the-passphrase';
  const secrets: Secrets = {
    pfx: (await secret.pfx(passphrase)).toString('base64'),
    passphrase,
    proxyPassword: 'canary-of-the-proxy',
    key: secret.key,
  };
  writeFileSync(join(directory, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
  // For what the process prints, which run.mjs reads.
  writeFileSync(join(directory, 'canary.json'), JSON.stringify(canaryOf(secrets).texts), { mode: 0o600 });
  writeFileSync(join(directory, 'roots.pem'), materials.ca);
  writeFileSync(join(directory, 'materials.json'), JSON.stringify(materials), { mode: 0o600 });
}

async function findSecrets({ clients: wanted }: Task): Promise<void> {
  await using world = await createWorld(readMaterials(join(directory, 'materials.json')));
  const secrets: Secrets = JSON.parse(readFileSync(join(directory, 'secrets.json'), 'utf8'));
  const findings: Record<string, Findings> = {};
  for (const client of clients) {
    if (!wanted || wanted.includes(client.name))
      findings[client.name] = await lookForSecrets(world, client, secrets);
  }
  writeFileSync(join(directory, 'findings.json'), JSON.stringify(findings));
}

async function run({ seed, share, clients: wanted }: Task): Promise<void> {
  await using world = await createWorld(readMaterials(join(directory, 'materials.json')));
  const tallies: Record<string, Tally> = {};
  for (const [index, client] of clients.entries()) {
    if (wanted && !wanted.includes(client.name)) continue;
    const begun = performance.now();
    const suits = ({ site, way }: Cell) => !client.direct || (site.http === 'HTTP/2' && way === 'no proxy');
    const tally = createTally();
    await play(world, client, cellsOf(world, seed + index, share, suits), tally);
    const lives = livesOf(world, client).filter(({ site, way }) => suits({ site, way } as Cell));
    const some = lives.filter((_, each) => (each * 7 + index) % 16 < Math.max(1, Math.round(16 * share)));
    for (const life of some) await live(world, client, life, tally);
    tallies[client.name] = tally;
    const took = Math.round((performance.now() - begun) / 1000);
    const { cells, requests, leaks, wrong } = tally;
    console.error(
      `${client.name}: ${cells} calls, ${requests} requests, ${leaks.length} leaks, ${wrong.length} wrong, ${took} s`,
    );
  }
  console.log(JSON.stringify(tallies));
}
