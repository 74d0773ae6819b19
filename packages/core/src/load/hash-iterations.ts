import { createHash } from 'node:crypto';
import { runInWorker } from './hash-worker.ts';
import { takeTurn } from './turn.ts';
import { type WasmHash, wasmHashOf } from './wasm-hash.ts';

/** Rounds between two looks at the clock: well under a millisecond of WebAssembly, a few of Node's hashes. */
const step = 500;

/** From so many rounds on a thread takes over: it costs about as much to start as these do here. */
const many = 20_000;
/** Rounds that a thread is sent for at a time: others that wait are let in between. */
const roundsOfJob = 200_000;

/**
 * Replaces `digest` by its hash, `rounds` times, each time with `suffix` after it. Short counts give the event loop
 * a turn every few milliseconds, long ones run beside it. Counts that run at the same time share the lanes.
 */
export function iterateHash(hash: string, digest: Buffer, rounds: number, suffix?: Buffer): Promise<void> {
  const wasm = suffix === undefined && rounds > 0 ? wasmHashOf(hash) : undefined;
  return wasm === undefined
    ? iterateByNode(hash, digest, rounds, suffix)
    : new Promise((resolve) => enqueue(wasm, { digest, left: rounds, resolve }));
}

async function iterateByNode(
  hash: string,
  digest: Buffer,
  rounds: number,
  suffix: Buffer = Buffer.alloc(0),
): Promise<void> {
  for (let left = rounds; left > 0; ) {
    const most = Math.min(left, roundsOfJob);
    if (
      rounds > many &&
      (await runInWorker({ code: undefined, hash, state: digest, suffix, rounds: most }))
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

/** Counts that wait for a lane. A hash that is not here is idle. */
const waiting = new Map<WasmHash, Count[]>();

function enqueue(wasm: WasmHash, count: Count): void {
  const queue = waiting.get(wasm);
  if (queue !== undefined) {
    queue.push(count);
    return;
  }
  const fresh = [count];
  waiting.set(wasm, fresh);
  // What else is asked for in the same breath goes along.
  queueMicrotask(() => void drain(wasm, fresh));
}

async function drain(wasm: WasmHash, queue: Count[]): Promise<void> {
  const lanes: (Count | undefined)[] = Array.from({ length: wasm.lanes });
  for (;;) {
    for (const [lane, occupant] of lanes.entries()) {
      const next = occupant === undefined ? queue.shift() : undefined;
      if (next === undefined) continue;
      wasm.load(lane, next.digest);
      lanes[lane] = next;
    }
    const active = lanes.filter((count) => count !== undefined);
    if (active.length === 0) break;
    const rounds = await advance(wasm, Math.min(...active.map(({ left }) => left)));
    for (const [lane, count] of lanes.entries()) {
      if (count === undefined) continue;
      count.left -= rounds;
      if (count.left > 0) continue;
      wasm.store(lane, count.digest);
      lanes[lane] = undefined;
      count.resolve();
    }
  }
  wasm.clear();
  waiting.delete(wasm);
}

/** Iterates for at most so many rounds, and says for how many it did. */
async function advance(wasm: WasmHash, most: number): Promise<number> {
  const { hash, code, state } = wasm;
  const rounds = Math.min(most, roundsOfJob);
  if (rounds > many && (await runInWorker({ code, hash, state, suffix: undefined, rounds }))) return rounds;
  await takeTurn();
  const few = Math.min(most, step);
  wasm.run(few);
  return few;
}
