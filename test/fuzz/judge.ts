import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { isNativeError } from 'node:util/types';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { ClientCertificateError } from '@clientcert/core';
import { LARGEST } from './mutate/step.ts';
import { Broken, type Opened } from './target.ts';

/** What is wrong with how an input was read. */
export interface Fault {
  readonly kind:
    | 'foreign error'
    | 'slip'
    | 'secret'
    | 'hint'
    | 'unprintable'
    | 'broken'
    | 'unsteady'
    | 'slow'
    | 'large'
    | 'hang'
    | 'leftover'
    | 'pollution';
  readonly detail: string;
  /** Equal for two inputs that show the same. */
  readonly mark: string;
}

/**
 * What an input may take: seconds of processor time, and of them in one go, and bytes of memory. Generous, and measured
 * again before it counts.
 */
const MOST = { all: 4, atOnce: 1, memory: 256 * 2 ** 20 };
const HANGS = 60_000;

/** Reads an input, and says what must not be. */
export class Judge {
  readonly #opened: Opened;
  readonly #loose: unknown[] = [];
  readonly #watchdog: Watchdog;
  readonly #meter = new Meter();
  readonly #note = (reason: unknown) => void this.#loose.push(reason);

  constructor(opened: Opened, name: string) {
    this.#opened = opened;
    this.#watchdog = new Watchdog(name);
    for (const event of LOOSE) process.on(event, this.#note);
  }

  /** @param thorough Reads it a second time, too. */
  async judge(input: Buffer, thorough = true): Promise<Fault | undefined> {
    this.#watchdog.sees(input);
    const first = await this.#read(input);
    const fault = this.#faultOf(first, input) ?? this.#leftover();
    if (fault) return fault;
    if (first.excess) return await this.#confirm(first.excess, input);
    if (!thorough || 'error' in first) return undefined;
    const second = await this.#read(input);
    const [one, two] = [first, second].map((each) => inspect(each.value, DEEP));
    if (one !== two)
      return { kind: 'unsteady', detail: `${one}\nthen\n${two ?? inspect(second.error)}`, mark: 'unsteady' };
    return undefined;
  }

  async close(): Promise<void> {
    for (const event of LOOSE) process.off(event, this.#note);
    this.#meter.stop();
    await this.#watchdog.stop();
  }

  async #read(input: Buffer): Promise<Reading> {
    this.#meter.start();
    const copy = Buffer.from(input);
    let read: { value: unknown } | { error: unknown };
    const late = new AbortController();
    try {
      const running = Promise.resolve(this.#opened.run(copy));
      const value = await Promise.race([running, pause(HANGS, HUNG, { ref: false, signal: late.signal })]);
      read = { value };
    } catch (error) {
      read = { error };
    }
    late.abort();
    const excess = this.#meter.excess();
    await turn(); // for what nobody waits for
    return { ...read, excess };
  }

  #faultOf(read: Reading, input: Buffer): Fault | undefined {
    if (read.value === HUNG) return { kind: 'hang', detail: `no answer within ${HANGS} ms`, mark: 'hang' };
    if ('polluted' in Object.prototype || Object.keys(Object.prototype).length > 0)
      return { kind: 'pollution', detail: Object.keys(Object.prototype).join(), mark: 'pollution' };
    return 'error' in read ? this.#faultOfError(read.error, input) : undefined;
  }

  #faultOfError(error: unknown, input: Buffer): Fault | undefined {
    const found = (kind: Fault['kind']): Fault => ({
      kind,
      detail: inspect(error, DEEP),
      mark: `${kind} ${placeOf(error)}`,
    });
    if (error instanceof Broken)
      return { ...found('broken'), mark: `broken ${error.message.replace(/".*"/s, '')}` };
    const { refusals = [] } = this.#opened;
    const own = error instanceof ClientCertificateError;
    if (!own && !refusals.some((Refusal) => error instanceof Refusal)) return found('foreign error');
    if (own && !error.hint) return found('hint');
    const shown = `${(error as Error).message}\n${own ? error.hint : ''}`;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
    if (own && /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(shown))
      return found('unprintable');
    for (let each = error as Error; isNativeError(each); each = each.cause as Error)
      if (isSlip(each)) return { ...found('slip'), mark: `slip ${placeOf(each)}` };
    const all = `${shown}\n${inspect(error, DEEP)}`;
    if (this.#opened.secretsIn?.(input).some((secret) => all.includes(secret))) return found('secret');
    return undefined;
  }

  #leftover(): Fault | undefined {
    const [reason] = this.#loose.splice(0);
    return reason === undefined
      ? undefined
      : { kind: 'leftover', detail: inspect(reason, DEEP), mark: `leftover ${placeOf(reason)}` };
  }

  /** A busy machine, or the first time that something is compiled, is no fault of the input. */
  async #confirm(excess: Excess, input: Buffer): Promise<Fault | undefined> {
    for (let times = 0; times < 3; times++) {
      this.#watchdog.sees(input);
      // What the time before left would hide what is needed now; buffers are let go a moment later.
      for (let round = 0; round < 5; round++) {
        collect();
        await pause(20);
      }
      if (!(await this.#read(input)).excess) return undefined;
    }
    return { kind: excess, detail: DETAILS[excess], mark: excess };
  }
}

type Excess = 'slow' | 'large';

const DETAILS: Readonly<Record<Excess, string>> = {
  slow: `over ${MOST.all} s of processor time, or ${MOST.atOnce} s at once`,
  large: `over ${MOST.memory / 2 ** 20} MiB of memory`,
};

interface Reading {
  readonly value?: unknown;
  readonly error?: unknown;
  readonly excess: Excess | undefined;
}

/** What reaches the process past whoever called. */
const LOOSE = ['unhandledRejection', 'uncaughtException', 'warning'] as const;
const HUNG = Symbol('hung');
const DEEP = { depth: 12, maxStringLength: 20_000, maxArrayLength: 1000 };

/** A mistake in the code, not in the input: it hides as the cause of an error of ours. */
function isSlip(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  const isRange = error instanceof RangeError && !`${code}`.startsWith('ERR_CRYPTO');
  const isNodes = code !== undefined && !/^ERR_(?:INVALID_ARG_TYPE|OUT_OF_RANGE|BUFFER)/.test(code);
  return (error instanceof TypeError || error instanceof ReferenceError || isRange) && !isNodes;
}

/** Where in our sources it was thrown. */
function placeOf(error: unknown): string {
  if (!isNativeError(error)) return inspect(error).slice(0, 80);
  const frame = /packages[/\\](.*?:\d+):\d+/.exec(error.stack ?? '')?.[1];
  return `${error.name} ${frame ?? error.message.slice(0, 80)}`;
}

/**
 * Longest that the event loop stood still, by the clock and by the processor: whichever is less is ours. And the most memory
 * that was held, looked at whenever the event loop turns.
 */
class Meter {
  readonly #timer = setInterval(() => this.#tick(), 10).unref();
  #began = 0;
  #cpuAtBegin = 0;
  #last = 0;
  #cpuAtLast = 0;
  #longest = 0;
  #memoryAtBegin = 0;
  #memory = 0;

  start(): void {
    this.#began = this.#last = performance.now();
    this.#cpuAtBegin = this.#cpuAtLast = cpu();
    this.#longest = 0;
    this.#memoryAtBegin = this.#memory = memory();
  }

  excess(): Excess | undefined {
    this.#tick();
    const all = Math.min(performance.now() - this.#began, cpu() - this.#cpuAtBegin);
    if (all > MOST.all * 1000 || this.#longest > MOST.atOnce * 1000) return 'slow';
    return this.#memory - this.#memoryAtBegin > MOST.memory ? 'large' : undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const [now, used] = [performance.now(), cpu()];
    this.#longest = Math.max(this.#longest, Math.min(now - this.#last, used - this.#cpuAtLast));
    [this.#last, this.#cpuAtLast] = [now, used];
    this.#memory = Math.max(this.#memory, memory());
  }
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that V8 holds, and what it keeps for buffers. */
function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Milliseconds of processor time that this process has used. */
export function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Tells the input that never ends in one go: another thread prints it and ends the process. */
class Watchdog {
  readonly #shared = new SharedArrayBuffer(16 + LARGEST);
  readonly #head = new Int32Array(this.#shared, 0, 4);
  readonly #bytes = new Uint8Array(this.#shared, 16);
  readonly #worker: Worker;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    this.#worker = new Worker(WATCH, {
      eval: true,
      workerData: { shared: this.#shared, name, limit: 2 * HANGS },
    });
    this.#worker.unref();
  }

  sees(input: Buffer): void {
    if (env.FUZZ_LAST) writeFileSync(join(env.FUZZ_LAST, this.#name), input);
    this.#bytes.set(input.subarray(0, LARGEST));
    Atomics.store(this.#head, 1, input.length);
    Atomics.add(this.#head, 0, 1);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
    if (env.FUZZ_LAST) rmSync(join(env.FUZZ_LAST, this.#name), { force: true });
  }
}

const WATCH = `
const { workerData: { shared, name, limit } } = require('node:worker_threads');
const head = new Int32Array(shared, 0, 4);
for (let last = -1, since = Date.now(); ; Atomics.wait(head, 2, 0, 1000)) {
  const now = Atomics.load(head, 0);
  if (now !== last) [last, since] = [now, Date.now()];
  else if (Date.now() - since > limit && now > 0) {
    const input = Buffer.from(new Uint8Array(shared, 16, Atomics.load(head, 1)));
    require('node:fs').writeSync(2, name + ' never ends with (base64): ' + input.toString('base64') + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }
}`;
