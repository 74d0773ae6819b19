// Requests a second while the certificate is renewed every second, against none: files are watched, a new pair is
// written, and connections move over.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCredentials } from '@clientcert/core';
import { interleave, rate, summaries } from './compare.mjs';
import { startPeer } from './peer.mjs';

export const settings = {
  full: { rounds: 2, seconds: 4 },
  quick: { rounds: 1, seconds: 2 },
};

export async function measure({ rounds, seconds }) {
  const peer = await startPeer();
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-bench-'));
  const path = join(directory, 'alice.pem');
  // One file with both, put in place in one step: no reader ever sees a key without its certificate.
  const write = ({ cert, key }) => {
    writeFileSync(`${path}.new`, cert + key, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  write(peer.renewals[0]);
  const credentials = await loadCredentials({
    certificates: { alice: { cert: path, ca: peer.ca } },
    hosts: { [new URL(peer.url).host]: 'alice' },
  });
  credentials.on('warning', () => {});
  let renewals = 0;
  credentials.on('rotate', () => {
    renewals += 1;
  });
  let failed = 0;
  const agent = credentials.agent();
  const send = () =>
    get(peer.url, agent).catch(() => {
      failed += 1;
    });
  let written = 0;
  const tasks = {
    'at rest': () => rate(send, seconds * 1000),
    'renewed every second': async () => {
      const timer = setInterval(() => write(peer.renewals[++written % 2]), 1000);
      const sample = await rate(send, seconds * 1000);
      clearInterval(timer);
      return sample;
    },
  };
  const results = summaries(await interleave(tasks, rounds), 'at rest');
  const { requests } = await peer.counted();
  for (const { name } of peer.renewals) {
    if (!requests[name]) throw new Error(`the server saw ${JSON.stringify(requests)}`);
  }
  peer.close();
  await credentials.close();
  rmSync(directory, { recursive: true });
  const total = Object.values(requests).reduce((sum, each) => sum + each, 0);
  return { rates: results, requests: total, failed, written, renewals };
}

function get(url, agent) {
  return new Promise((resolve, reject) => {
    https.get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
}
