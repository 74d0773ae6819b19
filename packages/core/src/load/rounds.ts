import { createHash } from 'node:crypto';
import { type Kernel, kernelOf } from './kernel.ts';
import { runInThread } from './thread.ts';
import { takeTurn } from './turn.ts';

/** Rounds between two looks at the clock: well under a millisecond of WebAssembly, a few of Node's hashes. */
const step = 500;

/** From so many rounds on a thread takes over: it costs about as much to start as these do here. */
const many = 20_000;
/** Rounds that a thread is sent for at a time: others that wait are let in between. */
const errand = 200_000;

/**
 * Replaces `digest` by its hash, `rounds` times, each time with `suffix` after it. Short counts give the event loop
 * a turn every few milliseconds, long ones run beside it. Counts that run at the same time share the lanes of one
 * kernel.
 */
export function iterateHash(hash: string, digest: Buffer, rounds: number, suffix?: Buffer): Promise<void> {
  const kernel = suffix === undefined && rounds > 0 ? kernelOf(hash) : undefined;
  return kernel === undefined
    ? iterateByNode(hash, digest, rounds, suffix)
    : new Promise((resolve) => enqueue(kernel, { digest, left: rounds, resolve }));
}

async function iterateByNode(
  hash: string,
  digest: Buffer,
  rounds: number,
  suffix: Buffer = Buffer.alloc(0),
): Promise<void> {
  for (let left = rounds; left > 0; ) {
    const most = Math.min(left, errand);
    if (
      rounds > many &&
      (await runInThread({ code: undefined, hash, state: digest, suffix, rounds: most }))
    ) {
      left -= most;
      continue;
    }
    await takeTurn();
    for (let now = Math.min(left, step); now > 0; now--, left--)
      createHash(hash).update(digest).update(suffix).digest().copy(digest);
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
  for (;;) {
    for (const [lane, occupant] of lanes.entries()) {
      const next = occupant === undefined ? queue.shift() : undefined;
      if (next === undefined) continue;
      kernel.load(lane, next.digest);
      lanes[lane] = next;
    }
    const active = lanes.filter((count) => count !== undefined);
    if (active.length === 0) break;
    const rounds = await advance(kernel, Math.min(...active.map(({ left }) => left)));
    for (const [lane, count] of lanes.entries()) {
      if (count === undefined) continue;
      count.left -= rounds;
      if (count.left > 0) continue;
      kernel.store(lane, count.digest);
      lanes[lane] = undefined;
      count.resolve();
    }
  }
  kernel.clear();
  waiting.delete(kernel);
}

/** Runs a kernel for at most so many rounds, and says for how many it did. */
async function advance(kernel: Kernel, most: number): Promise<number> {
  const { hash, code, state } = kernel;
  const rounds = Math.min(most, errand);
  if (rounds > many && (await runInThread({ code, hash, state, suffix: undefined, rounds }))) return rounds;
  await takeTurn();
  const few = Math.min(most, step);
  kernel.run(few);
  return few;
}
