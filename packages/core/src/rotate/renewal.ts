import { tooLate, withDeadline } from './deadline.ts';
import { refreshDelay, retryDelay, Timer } from './timer.ts';
import type { Watched } from './watch.ts';

/** What one reading of a subject found. */
export interface Reading<Value> {
  readonly value: Value;
  readonly files: readonly Watched[];
  readonly refresh?: number | Date | undefined;
}

/** Something that is read again while the process runs: a certificate, the roots of a rule or of the proxy. */
export interface Renewable<Value> {
  /** What events and reports call it. */
  readonly name: string;
  read(signal: AbortSignal): Promise<Reading<Value>>;
  /** Where it is told of news, and need not ask. */
  readonly feed?: News | undefined;
  /**
   * Checks what was read and puts it in place of what is in use.
   *
   * @returns whether it is another than before
   */
  take(value: Value): boolean;
}

/** What tells of news by itself, for as long as it is open. */
export interface News {
  /** Resolves when there is something new to be read, an end included. `undefined` where nothing is open. */
  next(): Promise<void> | undefined;
  /** How many times in a row it ended soon after it was opened. */
  readonly endings: number;
  close(): void;
}

/** How reading again stands. */
export interface Failure {
  readonly error: Error;
  readonly since: Date;
  /** How many readings in a row have failed. */
  readonly count: number;
}

export type Outcome = 'changed' | 'unchanged' | Error;

/** Whom a renewal tells. */
export interface RenewalObserver {
  /** Called with what is to be watched from now on. */
  watched(key: string, files: readonly Watched[]): void;
  /** The first of several failures in a row, and each that is another than the one before. */
  failed(name: string, error: Error): void;
  /** Whether files are read again by themselves. */
  isWatching(): boolean;
}

/**
 * Reads one subject again: when asked, when its time has come, when there is news of it, and after a failure until it succeeds, unless it is
 * left to the user to ask. One reading at a time; what is asked for during one is read after it.
 */
export class Renewal<Value> {
  readonly #key: string;
  readonly subject: Renewable<Value>;
  readonly #observer: RenewalObserver;
  readonly #timer = new Timer();
  #files: readonly Watched[];
  #running: Promise<Outcome> | undefined;
  #next: Promise<Outcome> | undefined;
  #failure: Failure | undefined;
  #refresh: number | Date | undefined;
  /** Whether a reading is under way, given up or not. */
  #held = false;
  /** What is waited for of the subject's feed. */
  #news: Promise<void> | undefined;
  readonly #ending = new AbortController();
  #closed = false;

  /** @param key Under which its owner knows it. */
  constructor(
    key: string,
    subject: Renewable<Value>,
    first: Omit<Reading<Value>, 'value'>,
    observer: RenewalObserver,
  ) {
    this.#key = key;
    this.subject = subject;
    this.#observer = observer;
    this.#files = first.files;
    this.#schedule(first.refresh);
    this.#listen();
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  get files(): readonly Watched[] {
    return this.#files;
  }

  /** Whether it is being read, or could not be the last time. */
  get isUnsettled(): boolean {
    return this.#running !== undefined || this.#failure !== undefined;
  }

  /** Reads it anew, whatever is under way, and swaps it where it has changed. Never rejects. */
  renew(): Promise<Outcome> {
    if (!this.#running) {
      this.#running = this.#renew().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.renew();
    });
    return this.#next;
  }

  /**
   * Counts as a failed reading what was read, taken, and then taken back. Where the source hands out another each
   * time, waiting grows with the number that were.
   */
  refuse(error: Error, count: number): void {
    if (!this.#closed) this.#fail(error, count);
  }

  /** Whether a file is not in the state in which it was read. */
  async hasChangedFiles(stateOf: (path: string) => Promise<string | undefined>): Promise<boolean> {
    for (const { path, state } of this.#files) {
      if (state !== null && (await stateOf(path)) !== state) return true;
    }
    return false;
  }

  close(): void {
    this.#closed = true;
    this.#timer.stop();
    this.#ending.abort();
    this.subject.feed?.close();
  }

  async #renew(): Promise<Outcome> {
    this.#timer.stop();
    // Until it is known better: where reading fails, what it found is not to be found again at once.
    this.#files = this.#files.map((file) => ({ ...file, state: null }));
    try {
      const { value, files, refresh } = await this.#read();
      if (this.#closed) return 'unchanged';
      this.#files = files;
      const changed = this.subject.take(value);
      this.#failure = undefined;
      this.#schedule(refresh);
      return changed ? 'changed' : 'unchanged';
    } catch (thrown) {
      const error = thrown as Error;
      if (!this.#closed) this.#fail(error);
      return error;
    } finally {
      if (!this.#closed) {
        this.#observer.watched(this.#key, this.#files);
        this.#listen();
      }
    }
  }

  /** What is new is read in its turn, like everything else: of what came while loading, whoever awaits that is to hear. */
  #listen(): void {
    const news = this.subject.feed?.next();
    if (!news || news === this.#news) return;
    this.#news = news;
    void news.then(() =>
      setImmediate(() => {
        if (!this.#closed) void this.renew();
      }),
    );
  }

  /** A reading that a dead file system holds fast is waited for: others would take the threads that are left. */
  #read(): Promise<Reading<Value>> {
    const { name } = this.subject;
    if (this.#held) return Promise.reject(tooLate(name));
    const read = (signal: AbortSignal) => this.subject.read(signal);
    const { value, settled } = withDeadline(name, read, this.#ending.signal);
    this.#held = true;
    void settled.then(() => {
      this.#held = false;
    });
    return value;
  }

  #fail(error: Error, count: number = (this.#failure?.count ?? 0) + 1): void {
    const before = this.#failure;
    this.#failure = { error, since: before?.since ?? new Date(), count };
    if (this.#refresh !== undefined || this.#news !== undefined || this.#observer.isWatching()) {
      const tries = Math.max(count, this.subject.feed?.endings ?? 0);
      this.#timer.start(retryDelay(tries), () => void this.renew());
    }
    if (before?.error.message !== error.message) this.#observer.failed(this.subject.name, error);
  }

  #schedule(refresh: number | Date | undefined): void {
    this.#refresh = refresh;
    if (refresh === undefined) return;
    const delay = refreshDelay(refresh);
    this.#renewAt(Date.now() + delay, performance.now() + delay);
  }

  /** By the clock or by what has passed, whichever comes first: timers stand still while a machine sleeps, and clocks are set. */
  #renewAt(time: number, tick: number): void {
    const left = Math.min(time - Date.now(), tick - performance.now());
    if (left <= longestStep) this.#timer.start(left, () => void this.renew());
    else this.#timer.start(longestStep, () => this.#renewAt(time, tick));
  }
}

/** Milliseconds. */
const longestStep = 60_000;
