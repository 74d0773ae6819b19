import { setTimeout as pause } from 'node:timers/promises';
import type { Listening } from './launch.ts';

/**
 * Servers write when they like: waits until what this one wrote says something.
 *
 * @param before How much it had written before that.
 * @throws Error with what it wrote instead, after twenty seconds.
 */
export async function waitForLog(
  running: Listening,
  before: number,
  isThere: (log: string) => boolean,
  what: string,
): Promise<void> {
  for (const end = Date.now() + 20_000; ; await pause(10)) {
    const log = running.log().slice(before);
    if (isThere(log)) return;
    if (Date.now() > end) throw new Error(`${what}: it wrote ${log || 'nothing'}`);
  }
}
