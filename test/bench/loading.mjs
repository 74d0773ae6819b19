// From the bytes of a file to a secure context, by kind of file: against Node itself, where it can read the kind.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createSecureContext } from 'node:tls';
import { readCertificate } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { interleave, summaries, time } from './compare.mjs';
import { summarize } from './statistics.mjs';

export const settings = { full: { rounds: 15 }, quick: { rounds: 2 } };

/** Rounds of key derivation, as OWASP asks for. */
const many = 600_000;

const fixtures = new URL('../../packages/core/test/load/fixtures/', import.meta.url);
const fixture = (path) => readFileSync(new URL(path, fixtures));

export async function measure({ rounds }) {
  const kinds = {};
  for (const [kind, source] of Object.entries(await sources())) {
    const tasks = {
      ...(nativeReads(source) && { native: () => timeOfLoop(() => native(source)) }),
      clientcert: () => timeOfLoop(() => ours(source)),
    };
    kinds[kind] = summaries(
      await interleave(tasks, kind.includes('rounds') ? Math.ceil(rounds / 3) : rounds, 2),
    );
  }
  return { kinds, createHash: await createHashTime(rounds) };
}

async function sources() {
  const authority = await createAuthority();
  const issued = await authority.issue({ name: 'alice', keyType: 'rsa' });
  const passphrase = 'secret';
  const cert = issued.fullChain;
  const pfx = async (encryption, iterations = 2048) => ({
    pfx: await issued.pfx(passphrase, { encryption, iterations }),
    passphrase,
  });
  return {
    PEM: { cert, key: issued.key },
    'PEM, encrypted key': { cert, key: issued.encryptedKey(passphrase), passphrase },
    'PFX, modern': await pfx('modern'),
    'PFX, 3DES': await pfx('legacy-3des'),
    'PFX, RC2': await pfx('legacy-rc2'),
    'PFX, modern, 600,000 rounds': await pfx('modern', many),
    'PFX, 3DES, 600,000 rounds': await pfx('legacy-3des', many),
    JKS: { pfx: fixture('jks/rsa.jks'), passphrase: 'changeit' },
    'P7B and a key': { cert: fixture('p7/chain.pem.p7b'), key: fixture('pem/rsa2048.pkcs1.key') },
  };
}

function native(source) {
  return createSecureContext(source);
}

function nativeReads(source) {
  try {
    native(source);
    return true;
  } catch {
    return false;
  }
}

/** Read, checked, and then what Node makes of a file by itself. */
async function ours(source) {
  const { privateKey, certificate, chain } = await readCertificate(source);
  return createSecureContext({
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: [certificate, ...chain].map(String).join(''),
  });
}

/** `loop`: how long the event loop did nothing else, in milliseconds. */
async function timeOfLoop(task) {
  const before = performance.eventLoopUtilization();
  const sample = await time(task);
  return { ...sample, loop: performance.eventLoopUtilization(before).active };
}

/** Microseconds for one hash by `createHash`, as whoever derives keys in JavaScript would take for every round. */
async function createHashTime(rounds) {
  const hashes = 20_000;
  const run = () => {
    let state = Buffer.alloc(20);
    for (let count = 0; count < hashes; count++) state = createHash('sha1').update(state).digest();
  };
  const { sha1 } = await interleave({ sha1: () => time(run) }, rounds);
  return summarize(sha1.cpu.map((milliseconds) => (milliseconds * 1000) / hashes));
}
