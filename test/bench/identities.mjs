// What ten thousand identities cost: loading them from PEM files, and memory for each that is loaded and each
// that is used (its secure context built).
//
//   npm run build && node --expose-gc test/bench/identities.mjs [identities]
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, memoryUsage } from 'node:process';
import { loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';

const amount = Number(argv[2] ?? 10_000);
const directory = await mkdtemp(join(tmpdir(), 'clientcert-identities-'));
try {
  const authority = await createAuthority();
  const certificates = {};
  const hosts = {};
  for (let index = 0; index < amount; index++) {
    const { cert, key } = await authority.issue({ name: `client-${index}` });
    const [certPath, keyPath] = [join(directory, `${index}.pem`), join(directory, `${index}.key`)];
    await writeFile(certPath, cert);
    await writeFile(keyPath, key, { mode: 0o600 });
    certificates[`client-${index}`] = { cert: certPath, key: keyPath };
    hosts[`host-${index}.example`] = `client-${index}`;
  }
  await settle();

  let progress = 0;
  let longestTurn = 0;
  let last = performance.now();
  const turns = setInterval(() => {
    const now = performance.now();
    longestTurn = Math.max(longestTurn, now - last - 5);
    last = now;
  }, 5);
  const before = memory();
  const start = performance.now();
  const credentials = await loadCredentials({
    certificates,
    hosts,
    watch: false,
    onProgress: () => {
      progress += 1;
    },
  });
  credentials.on('warning', () => {}); // ten thousand times that the issuer is not in the file
  const took = performance.now() - start;
  clearInterval(turns);
  await settle();
  const loaded = memory();
  console.log(`Node ${process.version}, ${amount} EC identities from PEM files`);
  console.log(
    `loaded in ${(took / 1000).toFixed(2)} s, ${((took / amount) * 1000).toFixed(0)} µs each; progress told ${progress} times; longest turn ${longestTurn.toFixed(0)} ms`,
  );
  console.log(`memory per loaded identity: ${kilobytes(loaded - before)} kB`);

  const used = performance.now();
  for (let index = 0; index < amount; index++) credentials.connectOptions(`https://host-${index}.example`);
  const built = performance.now() - used;
  await settle();
  console.log(`contexts built in ${(built / amount).toFixed(2)} ms each`);
  console.log(`memory per used identity: ${kilobytes(memory() - before)} kB`);
  await credentials.close();
} finally {
  await rm(directory, { recursive: true });
}

function memory() {
  return memoryUsage().rss;
}

function kilobytes(bytes) {
  return (bytes / 1024 / amount).toFixed(1);
}

async function settle() {
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc?.();
    // "last-resort" gives the pages back that loading has left empty, as V8 does by itself in idle time.
    globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
