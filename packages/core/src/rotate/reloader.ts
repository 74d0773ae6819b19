import { setImmediate, setTimeout } from 'node:timers/promises';
import { eachOf } from './concurrency.ts';
import { withDeadline } from './deadline.ts';
import {
  type Failure,
  type Outcome,
  type Reading,
  type Renewable,
  Renewal,
  type RenewalObserver,
} from './renewal.ts';
import type { Links } from './symlinks.ts';
import { currentState, FileWatch, type Waiting } from './watch.ts';

/** What became of reading everything again. Certificates are named as in the config, other roots by their rule. */
export interface ReloadReport {
  /** Replaced, or new. */
  changed: string[];
  /** Read again, and the same as before. */
  unchanged: string[];
  /** Could not be read or may not be used: what was in use before stays in use. */
  failed: { name: string; error: Error }[];
}

/** Everything that is read again while the process runs, by a key of the owner's. */
export class Reloader {
  readonly #failed: (name: string, error: Error) => void;
  // biome-ignore lint/suspicious/noExplicitAny: each reads and takes a value of its own type
  readonly #renewals = new Map<string, Renewal<any>>();
  #watch: FileWatch | undefined;
  #untracked: string[] = [];
  /** What has changed and is to be read, and how many of it are being read. */
  readonly #changed = new Set<string>();
  #reading = 0;

  /** One for all: there may be very many renewals. */
  readonly #observer: RenewalObserver = {
    watched: (key, files) => void this.#watch?.track(key, files),
    failed: (name, error) => this.#failed(name, error),
    isWatching: () => this.#watch !== undefined,
  };

  /** @param failed Told of each failure of a reading, repetitions apart. */
  constructor(failed: (name: string, error: Error) => void) {
    this.#failed = failed;
  }

  /** Watches the files of everything from now on, in this way, or with `false` no more. */
  watch(options: Waiting | false): void {
    this.#watch?.close();
    this.#watch = options
      ? new FileWatch(options, (key) => {
          this.#changed.add(key);
          this.#readChanged();
        })
      : undefined;
    void this.#trackAll(this.#watch);
  }

  add<Value>(key: string, subject: Renewable<Value>, origin: Omit<Reading<Value>, 'value'>): void {
    this.remove(key);
    this.#renewals.set(key, new Renewal(key, subject, origin, this.#observer));
    this.#untracked.push(key);
  }

  /** Watches what was added since. */
  track(): void {
    void this.#trackAll(this.#watch, this.#untracked.splice(0));
  }

  remove(key: string): void {
    this.#renewals.get(key)?.close();
    this.#renewals.delete(key);
    this.#watch?.forget(key);
  }

  has(key: string): boolean {
    return this.#renewals.has(key);
  }

  keys(): string[] {
    return [...this.#renewals.keys()];
  }

  failureOf(key: string): Failure | undefined {
    return this.#renewals.get(key)?.failure;
  }

  failures(): (Failure & { name: string })[] {
    return [...this.#renewals.values()].flatMap(({ subject, failure }) =>
      failure ? [{ name: subject.name, ...failure }] : [],
    );
  }

  refuse(key: string, error: Error, count: number): void {
    this.#renewals.get(key)?.refuse(error, count);
  }

  /** Reads these again, a few at a time; all unless said otherwise. */
  async renewAll(keys: readonly string[] = this.keys()): Promise<ReloadReport> {
    const report: ReloadReport = { changed: [], unchanged: [], failed: [] };
    const outcomes = new Map<string, Outcome>();
    await eachOf(keys, concurrency, async (key) => {
      const outcome = await this.#renewals.get(key)?.renew();
      if (outcome) outcomes.set(key, outcome);
    });
    // In the order that was asked for, not that in which they were done.
    for (const key of keys) {
      const outcome = outcomes.get(key);
      if (outcome === undefined) continue;
      const name = this.#renewals.get(key)?.subject.name ?? key;
      if (outcome instanceof Error) report.failed.push({ name, error: outcome });
      else report[outcome].push(name);
    }
    return report;
  }

  /**
   * The keys, of those given, that could not be read the last time, or whose files are not in the state in which
   * they were read. Each is looked at, watched or not: not every change brings an event.
   *
   * @param until Ends it.
   */
  async findChanged(keys: readonly string[], until: AbortSignal): Promise<string[]> {
    if (this.#watch) await takeEvents();
    const unchanged = new Set<string>();
    // Certificate and key may be one file, and many rules may have one file of roots.
    const states = new Map<string, Promise<string | undefined>>();
    const stateOf = (path: string) => {
      const state = states.get(path) ?? currentState(path);
      states.set(path, state);
      return state;
    };
    const look = () =>
      eachOf(keys, concurrency, async (key) => {
        const renewal = this.#renewals.get(key);
        const isKnown = renewal?.isUnsettled || this.#watch?.hasNoticed(key);
        if (!isKnown && !(await renewal?.hasChangedFiles(stateOf))) unchanged.add(key);
      });
    // What a file system does not answer for is read again, and that says so.
    await withDeadline('files', look, until).value.catch(() => {});
    return keys.filter((key) => !unchanged.has(key));
  }

  /** A few at a time: one link may be what thousands of files lead over. */
  #readChanged(): void {
    for (const key of this.#changed) {
      if (this.#reading === concurrency) return;
      this.#changed.delete(key);
      const renewing = this.#renewals.get(key)?.renew();
      if (!renewing) continue;
      this.#reading += 1;
      // A function that never answers holds nobody else up.
      void Promise.race([renewing, setTimeout(longest, undefined, { ref: false })]).then(() => {
        this.#reading -= 1;
        this.#readChanged();
      });
    }
  }

  close(): void {
    this.#watch?.close();
    for (const renewal of this.#renewals.values()) renewal.close();
    this.#renewals.clear();
  }

  async #trackAll(watch: FileWatch | undefined, keys: readonly string[] = this.keys()): Promise<void> {
    if (!watch) return;
    const links: Links = new Map();
    await eachOf(keys, concurrency, async (key) => {
      const files = this.#renewals.get(key)?.files;
      if (files && files.length > 0 && watch === this.#watch) await watch.track(key, files, links);
    });
  }
}

/** Waits until all events have come that the system held ready: the first immediate may come before they do. */
async function takeEvents(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** How many are read, or looked at, at a time. */
const concurrency = 16;
/** Milliseconds for which one counts among them that is read because it has changed. */
const longest = 1000;
