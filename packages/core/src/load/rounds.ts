import { createHash } from 'node:crypto';
import { type Kernel, kernelOf } from './kernel.ts';

/** How long the event loop may be held before others get their turn, in milliseconds. */
const turn = 5;
/** Rounds between two looks at the clock. */
const step = 500;

/**
 * Replaces `digest` by its hash, `rounds` times, each time with `suffix` after it. Gives the event loop a turn
 * every few milliseconds. Counts that run at the same time share the lanes of one kernel.
 */
export function iterateHash(hash: string, digest: Buffer, rounds: number, suffix?: Buffer): Promise<void> {
  const kernel = suffix === undefined && rounds > 0 ? kernelOf(hash) : undefined;
  return kernel === undefined
    ? iterateByNode(hash, digest, rounds, suffix ?? Buffer.alloc(0))
    : new Promise((resolve) => enqueue(kernel, { digest, left: rounds, resolve }));
}

async function iterateByNode(hash: string, digest: Buffer, rounds: number, suffix: Buffer): Promise<void> {
  let began = performance.now();
  for (let left = rounds; left > 0; left--) {
    createHash(hash).update(digest).update(suffix).digest().copy(digest);
    if (left % step === 1 && performance.now() - began > turn) {
      await nextTurn();
      began = performance.now();
    }
  }
}

interface Count {
  readonly digest: Buffer;
  left: number;
  readonly resolve: () => void;
}

/** Counts that wait for a lane, by kernel. A kernel that is not here is idle. */
const waiting = new Map<Kernel, Count[]>();

function enqueue(kernel: Kernel, count: Count): void {
  const queue = waiting.get(kernel);
  if (queue !== undefined) {
    queue.push(count);
    return;
  }
  const fresh = [count];
  waiting.set(kernel, fresh);
  // What else is asked for in the same breath goes along.
  queueMicrotask(() => void drain(kernel, fresh));
}

async function drain(kernel: Kernel, queue: Count[]): Promise<void> {
  const lanes: (Count | undefined)[] = Array.from({ length: kernel.lanes });
  let began = performance.now();
  for (;;) {
    for (const [lane, occupant] of lanes.entries()) {
      const next = occupant === undefined ? queue.shift() : undefined;
      if (next === undefined) continue;
      kernel.load(lane, next.digest);
      lanes[lane] = next;
    }
    const active = lanes.filter((count) => count !== undefined);
    if (active.length === 0) break;
    const rounds = Math.min(step, ...active.map(({ left }) => left));
    kernel.run(rounds);
    for (const [lane, count] of lanes.entries()) {
      if (count === undefined) continue;
      count.left -= rounds;
      if (count.left > 0) continue;
      kernel.store(lane, count.digest);
      lanes[lane] = undefined;
      count.resolve();
    }
    if (performance.now() - began > turn) {
      await nextTurn();
      began = performance.now();
    }
  }
  kernel.clear();
  waiting.delete(kernel);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
