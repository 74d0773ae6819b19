/**
 * Loading a client certificate: ours against what Node itself offers, `tls.createSecureContext({ pfx })`, in one
 * process, turn by turn. Prints medians, their ratio, and the spread of the ratio over the turns.
 *
 * Measures the built package (`npm run build`); makes its files with the `openssl` command.
 *
 *     node test/bench/load.mjs
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

const began = performance.now();
const { readCertificate } = await import('../../packages/core/dist/index.js');
const imported = performance.now() - began;

const passphrase = 'Passw0rd!';
const directory = mkdtempSync(join(tmpdir(), 'clientcert-bench-'));
const fixtures = new URL('../../packages/core/test/load/fixtures/', import.meta.url);

/** Encryption and MAC of PKCS#12 files that Node can read itself. */
const kinds = {
  'AES-256, HMAC-SHA256': ['-keypbe', 'AES-256-CBC', '-certpbe', 'AES-256-CBC', '-macalg', 'sha256'],
  '3DES, HMAC-SHA1': ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
  'AES-256, HMAC-SHA512': ['-keypbe', 'AES-256-CBC', '-certpbe', 'AES-256-CBC', '-macalg', 'sha512'],
};
/** Rounds of key derivation, and how many turns of measuring each is worth. */
const turns = { 2048: 150, 10000: 60, 100000: 12, 600000: 5 };

function openssl(...options) {
  const { status, stderr } = spawnSync('openssl', options, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${options[0]} failed: ${stderr}`);
}

function makePfx(options, rounds) {
  const out = join(directory, 'client.p12');
  openssl(
    'pkcs12',
    '-export',
    '-in',
    join(directory, 'identity.pem'),
    ...options,
    '-iter',
    String(rounds),
    '-passout',
    `pass:${passphrase}`,
    '-out',
    out,
  );
  return readFileSync(out);
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function compare(pfx, count) {
  const native = [];
  const ours = [];
  for (let turn = 0; turn < count + 3; turn++) {
    let start = performance.now();
    tls.createSecureContext({ pfx, passphrase });
    native.push(performance.now() - start);
    start = performance.now();
    await readCertificate({ pfx, passphrase });
    ours.push(performance.now() - start);
  }
  // The first turns warm up.
  return { native: native.slice(3), ours: ours.slice(3) };
}

function row(...cells) {
  console.log(
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(36) : String(cell).padStart(10))).join(''),
  );
}

try {
  openssl(
    'pkcs12',
    '-in',
    new URL('pfx/aes128-sha256.p12', fixtures).pathname,
    '-passin',
    `pass:${passphrase}`,
    '-nodes',
    '-out',
    join(directory, 'identity.pem'),
  );
  console.log(`Node ${process.version}, import ${imported.toFixed(1)} ms\n`);
  row('file', 'native ms', 'ours ms', 'ratio', 'low', 'high');
  for (const [kind, options] of Object.entries(kinds))
    for (const [rounds, count] of Object.entries(turns)) {
      const { native, ours } = await compare(makePfx(options, rounds), count);
      const ratios = ours.map((time, turn) => time / native[turn]).toSorted((a, b) => a - b);
      const at = (share) => ratios[Math.floor(share * (ratios.length - 1))].toFixed(2);
      row(
        `${kind}, ${rounds}`,
        median(native).toFixed(2),
        median(ours).toFixed(2),
        (median(ours) / median(native)).toFixed(2),
        at(0.1),
        at(0.9),
      );
    }
  console.log('\nlow and high: the ratio in the turn at the 10th and at the 90th percentile');
} finally {
  rmSync(directory, { recursive: true });
}
