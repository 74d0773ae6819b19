import fc from 'fast-check';
import type { Coverage } from './coverage.ts';
import { cpu, type Fault, Judge } from './judge.ts';
import { minimise } from './minimise.ts';
import { change } from './mutate/step.ts';
import { Random } from './random.ts';
import type { Target } from './target.ts';

/** What came of fuzzing one target. */
export interface Outcome {
  readonly name: string;
  readonly inputs: number;
  /** Inputs that reached code which none before had reached. */
  readonly kept: number;
  readonly findings: readonly Finding[];
}

export interface Finding extends Fault {
  readonly input: Buffer;
}

export interface FuzzOptions {
  /** Of processor time: a busy machine tries as much as a quiet one, and takes longer. */
  readonly seconds: number;
  readonly seed: number;
  readonly coverage: Coverage;
}

/** How many inputs share one look at the coverage: it costs as much as some of them. */
const BATCH = 48;
/** Of one target; then something is so wrong that the next are of no interest. */
const MOST_FINDINGS = 8;

/** Changes the seeds of a target, first by fast-check, then guided by the code that is reached, until the time is up. */
export async function fuzz(target: Target, { seconds, seed, coverage }: FuzzOptions): Promise<Outcome> {
  const opened = await target.open();
  const judge = new Judge(opened, target.name);
  const random = new Random(seed);
  const corpus = [...opened.seeds];
  const findings = new Map<string, Finding>();
  let inputs = 0;
  const began = cpu();
  const isBefore = (part: number) => cpu() - began < part * seconds * 1000 && findings.size < MOST_FINDINGS;

  const fails = async (input: Buffer, thorough?: boolean): Promise<Fault | undefined> => {
    inputs++;
    return await judge.judge(input, thorough);
  };
  const report = async (input: Buffer, fault: Fault): Promise<void> => {
    if (findings.has(fault.mark)) return;
    const same = async (smaller: Buffer) => (await judge.judge(smaller))?.mark === fault.mark;
    const costs = ['slow', 'large', 'hang'].includes(fault.kind);
    const smallest = costs ? input : await minimise(input, same);
    findings.set(fault.mark, { ...((await judge.judge(smallest)) ?? fault), input: smallest });
  };
  /** Reads them, and keeps those that reach what no other reached. */
  const tryAll = async (batch: readonly Buffer[]): Promise<void> => {
    for (const [index, input] of batch.entries()) {
      const fault = await fails(input, index % 4 === 0);
      if (fault) await report(input, fault);
    }
    if (coverage.news(coverage.take(), false) === 0) return;
    for (const input of batch) {
      await fails(input, false);
      if (coverage.news(coverage.take(), true) > 0) corpus.push(input);
    }
  };

  try {
    for (
      let first = random.below(opened.seeds.length), index = 0;
      index < opened.seeds.length && isBefore(0.25);
      index++
    ) {
      const input = opened.seeds[(first + index) % opened.seeds.length]!;
      const fault = await fails(input);
      if (fault) await report(input, fault);
    }
    coverage.news(coverage.take(), true);
    const step = fc.record({ kind: fc.nat(65_535), at: part(), to: part(), value: fc.nat(2 ** 32 - 1) });
    const anySeed = fc.constantFrom(...opened.seeds);
    const property = fc.asyncProperty(
      anySeed,
      anySeed,
      fc.array(step, { minLength: 1, maxLength: 6 }),
      async (input, other, steps) => {
        const changed = change(target.changes, input, steps, other);
        const fault = await fails(changed, steps.length === 1);
        if (fault && !findings.has(fault.mark)) throw new Fails(changed, fault);
      },
    );
    for (let round = 0; isBefore(0.5); round++) {
      const { errorInstance } = await fc.check(property, { seed: seed + round, numRuns: 50 });
      if (errorInstance instanceof Fails) await report(errorInstance.input, errorInstance.fault);
      else if (errorInstance) throw errorInstance;
    }
    while (isBefore(1)) {
      // What was kept last is where something is still to be found.
      const any = () =>
        corpus[
          random.below(2) === 0
            ? random.below(corpus.length)
            : corpus.length - 1 - random.below(Math.min(corpus.length, 40))
        ]!;
      await tryAll(Array.from({ length: BATCH }, () => change(target.changes, any(), random.steps(), any())));
    }
    return {
      name: target.name,
      inputs,
      kept: corpus.length - opened.seeds.length,
      findings: [...findings.values()],
    };
  } finally {
    await judge.close();
    await opened.close?.();
  }
}

function part() {
  return fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
}

class Fails extends Error {
  readonly input: Buffer;
  readonly fault: Fault;

  constructor(input: Buffer, fault: Fault) {
    super(fault.mark);
    this.input = input;
    this.fault = fault;
  }
}
