import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Coverage } from './coverage.ts';
import { type Finding, fuzz, type Outcome } from './fuzz.ts';
import { nameFor } from './name.mjs';
import { targets } from './targets/index.ts';

// `run.mjs` says how long, of which target, and from which seed.
const seconds = Number(env.FUZZ_SECONDS ?? 30);
const seed = Number(env.FUZZ_SEED ?? 1);
const chosen = targets.filter(({ name }) => !env.FUZZ_TARGET || name.includes(env.FUZZ_TARGET));
const outcomes: Outcome[] = [];
const coverage = new Coverage();

describe(`changed inputs, seed ${seed}`, () => {
  it.each(chosen.map((target) => [target.name, target] as const))(
    '%s',
    { timeout: seconds * 1000 + 600_000 },
    async (_, target) => {
      const outcome = await fuzz(target, { seconds: seconds / chosen.length, seed, coverage });
      outcomes.push(outcome);
      const told = outcome.findings.map((finding) => tell(target.name, finding));
      expect(told, `npm run fuzz -- --target '${target.name}' --seed ${seed}`).toEqual([]);
    },
  );
});

afterAll(() => {
  if (env.FUZZ_REPORT)
    writeFileSync(
      env.FUZZ_REPORT,
      JSON.stringify({ seed, seconds, outcomes: outcomes.map(count), coverage: [...coverage.summary()] }),
    );
  coverage.stop();
});

function count({ findings, ...outcome }: Outcome) {
  return { ...outcome, findings: findings.length };
}

/** What a person needs to see it again. */
function tell(target: string, { kind, detail, input }: Finding): string {
  const folder = fileURLToPath(new URL(`regressions/${target}/`, import.meta.url));
  const file = join(folder, nameFor(input));
  if (env.FUZZ_KEEP) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, input);
  }
  return `${kind}: ${detail}\n${env.FUZZ_KEEP ? file : input.toString('base64')}`;
}
