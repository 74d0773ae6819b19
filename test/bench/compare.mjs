// How benchmarks measure: in interleaved rounds, in one process, by the clock and by the CPU time of that process. What
// else the machine does slows what stands side by side alike; CPU time is the steadier of the two.
import { cpuUsage } from 'node:process';
import { quantile, summarize, summarizeRatios } from './statistics.mjs';

/**
 * Measures tasks by name, each once a round; the first rounds warm up.
 *
 * @template {Record<string, number>} Sample
 * @param {Record<string, () => Promise<Sample> | Sample>} tasks Each resolves to its measurements by name.
 * @returns {Promise<Record<string, Record<string, number[]>>>} By task and measurement, in the order of the rounds.
 */
export async function interleave(tasks, rounds, warmUp = 1) {
  const names = Object.keys(tasks);
  const samples = Object.fromEntries(names.map((name) => [name, {}]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of shuffled(names)) {
      const sample = await tasks[name]();
      if (round < 0) continue;
      for (const [what, value] of Object.entries(sample)) {
        samples[name][what] ??= [];
        samples[name][what].push(value);
      }
    }
  }
  return samples;
}

/** By chance: what comes round in a rhythm, as collecting memory does, is not to fall on the same one each time. */
function shuffled(names) {
  const lots = new Map(names.map((name) => [name, Math.random()]));
  return names.toSorted((one, other) => lots.get(one) - lots.get(other));
}

/**
 * What a task takes, in milliseconds.
 *
 * @param {() => unknown} task
 */
export async function time(task) {
  const [start, before] = [performance.now(), cpuUsage()];
  await task();
  const clock = performance.now() - start;
  const { user, system } = cpuUsage(before);
  return { clock, cpu: (user + system) / 1000 };
}

/**
 * Sends for a while, 16 requests at a time, and counts: requests a second, by the clock and of CPU time.
 *
 * @param {() => Promise<unknown>} send
 * @param {number} milliseconds
 */
export async function rate(send, milliseconds) {
  const end = performance.now() + milliseconds;
  let requests = 0;
  const worker = async () => {
    do {
      await send();
      requests += 1;
    } while (performance.now() < end);
  };
  const { clock, cpu } = await time(() => Promise.all(Array.from({ length: 16 }, worker)));
  return { clock: (requests * 1000) / clock, cpu: (requests * 1000) / cpu };
}

/**
 * One measurement in place of all that a process made.
 *
 * @param {Record<string, Record<string, number[]>>} samples
 */
export function medians(samples) {
  return Object.fromEntries(
    Object.entries(samples).map(([name, each]) => [
      name,
      Object.fromEntries(Object.entries(each).map(([what, values]) => [what, [quantile(values, 0.5)]])),
    ]),
  );
}

/**
 * Summaries of what was measured, and with a base what share of it each comes to, round by round.
 *
 * @param {Record<string, Record<string, number[]>>} samples
 * @param {string} [base] The name of one of them.
 */
export function summaries(samples, base) {
  return Object.fromEntries(
    Object.entries(samples).map(([name, each]) => [
      name,
      Object.fromEntries(
        Object.entries(each).flatMap(([what, values]) => {
          const own = [[what, summarize(values)]];
          if (base === undefined || name === base || !samples[base][what]) return own;
          return [...own, [`${what}Share`, summarizeRatios(values, samples[base][what])]];
        }),
      ),
    ]),
  );
}
