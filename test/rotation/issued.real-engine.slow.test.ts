import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startStepCa } from '../../packages/step/test/step-ca.ts';
import { engines } from '../../scripts/engines.mjs';
import { runPods } from './pods.ts';

/** How many processes there are; more with `FLEET_SIZE=40`. */
const size = Number(process.env.FLEET_SIZE ?? 6);
const rotations = 2;
/** Within how many milliseconds a certificate is presented from when it was issued, on a busy machine. */
const bound = 20_000;

const built = existsSync(engines.stepCa);
if (!built)
  console.warn('step-ca is not there, so no fleet is renewed by it: node scripts/engines.mjs builds it');

it.skipIf(!built)(
  `${size} processes are renewed by step-ca again and again, and none of their requests fails`,
  async () => {
    await using step = await startStepCa();
    const { url: address, fingerprint, jwk: key } = step;
    const provisioner = { name: 'me@step', key };
    const options = { address, fingerprint, provisioner, ttl: `${14 + size}s` };
    const names = Array.from({ length: size }, (_, index) => `pod-${index}.example`);
    const open = `
      import { fromStepCa } from '@clientcert/step';
      export { loadCredentials } from '@clientcert/step';
      export const open = (commonName, told) =>
        fromStepCa({
          ...${JSON.stringify(options)},
          commonName,
          onRenewed: ({ fingerprint256 }) => void told(fingerprint256),
        });
    `;
    const { seen, ended } = await runPods(step.root, names, open, rotations);
    expect(ended.flatMap(({ failures }) => failures)).toEqual([]);
    // Each presented its own, and no other's.
    expect(seen.filter(({ subject, path }) => subject !== `CN=${path}`)).toEqual([]);
    // The first comes while a process starts.
    const delays = ended.flatMap(({ issued }) =>
      issued.slice(1).map(([shown, at]) => seen.find(({ fingerprint: each }) => each === shown)!.at - at),
    );
    expect(delays).toHaveLength(size * rotations);
    expect(Math.max(...delays)).toBeLessThan(bound);
    if (process.env.FLEET_SIZE)
      console.log(seen.length, 'requests, presented after at most', Math.max(...delays), 'ms');
  },
  240_000,
);
