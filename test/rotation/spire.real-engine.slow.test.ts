import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startSpire } from '../../packages/spiffe/test/spire.ts';
import { engines } from '../../scripts/engines.mjs';
import { runPods } from './pods.ts';

/** How many processes there are; more with `FLEET_SIZE=40`. */
const size = Number(process.env.FLEET_SIZE ?? 6);
const rotations = 2;
/** Within how many milliseconds all present a certificate from when the first of them had it, on a busy machine. */
const bound = 20_000;
/** By how many milliseconds SPIRE dates back what it issues. */
const datedBack = 10_000;

const built = existsSync(engines.spireServer) && existsSync(engines.spireAgent);
if (!built)
  console.warn('SPIRE is not there, so no fleet is renewed by it: node scripts/engines.mjs builds it');

it.skipIf(!built)(
  `${size} processes present each SVID of SPIRE that they are told of, and none of their requests fails`,
  async () => {
    await using spire = await startSpire();
    await spire.register({ path: '/payments', ttl: 60 });
    const names = Array.from({ length: size }, (_, index) => `pod-${index}`);
    const open = `
      import { fromWorkloadApi } from '@clientcert/spiffe';
      export { loadCredentials } from '@clientcert/spiffe';
      export const open = () => fromWorkloadApi({ address: '${spire.address}' });
    `;
    const { seen, ended } = await runPods(await spire.roots(), names, open, rotations);
    expect(ended.flatMap(({ failures }) => failures)).toEqual([]);
    // They are one workload, so they are told of the same ones.
    const versions = new Map<string, number>();
    for (const [fingerprint, at] of ended.flatMap(({ issued }) => issued))
      versions.set(fingerprint, Math.min(at, versions.get(fingerprint) ?? at));
    const delays = [...versions].map(([shown, told]) => {
      const presented = seen.filter(({ fingerprint }) => fingerprint === shown);
      const firsts = names.map((name) => presented.find(({ path }) => path === name)?.at ?? Number.NaN);
      const signed = presented[0]!.validFrom.getTime() + datedBack;
      const last = Math.max(...firsts);
      return { afterTold: last - told, afterSigned: last - signed };
    });
    expect(ended.map(({ issued }) => issued.length)).toEqual(names.map(() => rotations));
    expect(Math.max(...delays.map(({ afterTold }) => afterTold))).toBeLessThan(bound);
    if (process.env.FLEET_SIZE)
      console.log(seen.length, 'requests, milliseconds until all presented each:', delays);
  },
  240_000,
);
