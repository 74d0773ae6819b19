// From the first line of a program to the end of its first response, each in a process of its own.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { interleave, summaries } from './compare.mjs';
import { clients, ways } from './first-request.mjs';
import { startPeer } from './peer.mjs';
import { wsdl } from './wsdl.mjs';

export const settings = { full: { rounds: 7 }, quick: { rounds: 1 } };

export async function measure({ rounds }) {
  const peer = await startPeer();
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-bench-'));
  const paths = {};
  for (const [name, content] of Object.entries({ pfx: peer.pfx, ca: peer.ca, wsdl })) {
    paths[name] = join(directory, `bench.${name}`);
    writeFileSync(paths[name], content, { mode: 0o600 });
  }
  const results = {};
  for (const client of Object.keys(clients)) {
    const tasks = ways.map((way) => {
      const url = way === 'nothing' ? peer.open : peer.url;
      const { passphrase } = peer;
      return [way, () => inProcess({ client, way, url, passphrase, ...paths })];
    });
    results[client] = summaries(await interleave(Object.fromEntries(tasks), rounds));
  }
  rmSync(directory, { recursive: true });
  await checkRequests(peer);
  peer.close();
  return results;
}

async function inProcess(options) {
  const program = fileURLToPath(new URL('first-request.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(execPath, [program, JSON.stringify(options)]);
  return JSON.parse(stdout);
}

/** A third of the calls went without a certificate, because they were to. */
async function checkRequests(peer) {
  const { alice, nobody, ...others } = (await peer.counted()).requests;
  if (alice !== 2 * nobody || Object.keys(others).length > 0) {
    throw new Error(`the server saw ${JSON.stringify({ alice, nobody, ...others })}`);
  }
}
