import { Worker } from 'node:worker_threads';

/** A count that a thread takes over: a hash fed with its own output. */
export interface HashJob {
  /** The WebAssembly that counts; without it Node's own hash does. */
  readonly code: Uint8Array | undefined;
  readonly hash: string;
  /** The digests, as the code wants them in its memory; replaced by what they have become. */
  readonly state: Uint8Array;
  readonly suffix: Uint8Array | undefined;
  readonly rounds: number;
}

/** Runs from its text, so that it needs no file of its own in whatever bundle this code ends up in. */
const program = `
const { parentPort } = require('node:worker_threads');
const crypto = require('node:crypto');
const hashOnce = crypto.hash ?? ((name, bytes) => crypto.createHash(name).update(bytes).digest());
const instances = new Map();
const instanceOf = (hash, code) => {
  if (!instances.has(hash)) instances.set(hash, new WebAssembly.Instance(new WebAssembly.Module(code)).exports);
  return instances.get(hash);
};
parentPort.on('message', ({ code, hash, state, suffix, rounds }) => {
  if (code) {
    const { m, r } = instanceOf(hash, code);
    const memory = new Uint8Array(m.buffer, 0, state.length);
    memory.set(state);
    r(rounds);
    state.set(memory);
    memory.fill(0);
  } else {
    const input = Buffer.concat([state, suffix ?? Buffer.alloc(0)]);
    for (let left = rounds; left > 0; left--) input.set(hashOnce(hash, input, 'buffer'));
    state.set(input.subarray(0, state.length));
    input.fill(0);
  }
  parentPort.postMessage(state);
  state.fill(0);
  suffix?.fill(0);
});
`;

interface Waiting {
  readonly state: Uint8Array;
  readonly resolve: (done: boolean) => void;
}

let worker: Worker | undefined;
/** In the order in which they were sent, which is that of the answers. */
let waiting: Waiting[] = [];
let idle: NodeJS.Timeout | undefined;
/** Set where this process may start no threads (`--permission`), or its runtime has none of this kind. */
let refused = false;

/**
 * Counts in a thread beside the event loop. The thread ends by itself soon after its last job, and keeps no
 * process alive meanwhile.
 *
 * @returns `false` where there is no such thread: nothing has been done then
 */
export function runInWorker(job: HashJob): Promise<boolean> {
  const thread = refused ? undefined : (worker ?? start());
  if (thread === undefined) return Promise.resolve(false);
  clearTimeout(idle);
  thread.ref();
  return new Promise((resolve) => {
    waiting.push({ state: job.state, resolve });
    // A view would take all of the memory along that it looks at.
    const { state, suffix } = job;
    thread.postMessage({ ...job, state: new Uint8Array(state), suffix: suffix && new Uint8Array(suffix) });
  });
}

function start(): Worker | undefined {
  try {
    // Neither the flags nor the preloaded modules of this process: there is nothing in it for them.
    const thread = new Worker(program, { eval: true, execArgv: [], env: {} });
    thread.on('message', (state: Uint8Array) => {
      const { state: target, resolve } = waiting.shift()!;
      target.set(state);
      state.fill(0);
      resolve(true);
      if (waiting.length === 0) rest(thread);
    });
    // It cannot fail at a job, only at starting: what was asked for is done here, and all that follows.
    thread.on('error', giveUp);
    thread.on('exit', () => {
      if (worker === thread) giveUp();
    });
    worker = thread;
  } catch {
    giveUp();
  }
  return worker;
}

function rest(thread: Worker): void {
  thread.unref();
  idle = setTimeout(() => {
    worker = undefined;
    void thread.terminate();
  }, restingTime);
  idle.unref();
}

function giveUp(): void {
  refused = true;
  worker = undefined;
  const left = waiting;
  waiting = [];
  for (const { resolve } of left) resolve(false);
}

/** Milliseconds without a job after which the thread ends: a config's files are read one soon after the other. */
const restingTime = 2000;
