import { type FSWatcher, watch as watchDirectory } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { stateOf } from '../load/file.ts';
import { follow, type Links, type Place } from './symlinks.ts';
import { Timer } from './timer.ts';

/** What is watched: a file in the state in which it was last read, or a directory with all that appears in it. */
export interface Watched {
  readonly path: string;
  /** `undefined`: it was not there; `null`: as it is found now. */
  readonly state: string | null | undefined;
  readonly directory?: boolean | undefined;
}

/** For how long it is waited; see `WatchOptions`. */
export interface Waiting {
  /** Seconds. */
  readonly pollInterval: number;
  /** Milliseconds. */
  readonly settle: number;
}

/**
 * Tells when the files of a subject (a certificate, a rule's roots) have changed and come to rest.
 *
 * Directories are watched, never files, because a file that is replaced takes its watcher with it. What a
 * file system does not tell (network mounts, a directory that was moved away, too few inotify watches) is
 * found by looking at every file once in a while. Nothing here keeps the process alive.
 */
export class FileWatch {
  readonly #options: Waiting;
  readonly #changed: (subject: string) => void;
  readonly #subjects = new Map<string, Subject>();
  readonly #directories = new Map<string, Directory>();
  readonly #poll = new Timer();
  #closed = false;

  constructor(options: Waiting, changed: (subject: string) => void) {
    this.#options = options;
    this.#changed = changed;
  }

  /** Watches these files for a subject, in place of those before; what has changed already is told as well. */
  async track(name: string, files: readonly Watched[], links: Links = new Map()): Promise<void> {
    if (this.#closed) return;
    const subject = this.#subjects.get(name) ?? newSubject();
    this.#subjects.set(name, subject);
    subject.states = new Map(files.map(({ path, state }) => [path, state]));
    if (!this.#poll.pending && files.length > 0) this.#schedulePoll();
    await this.#place(name, subject, files, links);
    await this.#compare(name, subject);
  }

  /** Whether a file of the subject has changed that has not come to rest yet. */
  hasNoticed(name: string): boolean {
    return this.#subjects.get(name)?.settling.pending ?? false;
  }

  forget(name: string): void {
    const subject = this.#subjects.get(name);
    if (!subject) return;
    subject.settling.stop();
    this.#subjects.delete(name);
    this.#leave(name, subject.places);
  }

  close(): void {
    this.#closed = true;
    this.#poll.stop();
    for (const name of [...this.#subjects.keys()]) this.forget(name);
    for (const { watcher } of this.#directories.values()) watcher?.close();
    this.#directories.clear();
  }

  /** Watches the directories on the way to each file: those of now, for links may have moved. */
  async #place(name: string, subject: Subject, files: readonly Watched[], links: Links): Promise<void> {
    const ways = await Promise.all(files.map(({ path }) => follow(path, links)));
    const within = files
      .filter(({ directory }) => directory)
      .map(({ path }) => ({ directory: path, name: any }));
    const places = [...ways.flat(), ...within];
    const directories = [...new Set(places.map(({ directory }) => directory))];
    const identities = await Promise.all(directories.map(identify));
    if (this.#closed || this.#subjects.get(name) !== subject) return;
    const before = subject.places;
    subject.places = [];
    for (const [index, directory] of directories.entries()) this.#enter(directory, identities[index]);
    for (const place of places) {
      const { entries } = this.#directories.get(place.directory)!;
      let subjects = entries.get(place.name);
      if (!subjects) {
        subjects = new Set();
        entries.set(place.name, subjects);
      }
      subjects.add(name);
    }
    subject.places = places;
    const kept = new Set(places.map(keyOf));
    this.#leave(
      name,
      before.filter((place) => !kept.has(keyOf(place))),
    );
  }

  #enter(path: string, identity: string | undefined): void {
    const directory = this.#directories.get(path) ?? { watcher: undefined, identity, entries: new Map() };
    // Another directory has taken its place, and the watcher still looks at the one that is gone.
    if (directory.identity !== identity) {
      directory.watcher?.close();
      directory.watcher = undefined;
    }
    directory.identity = identity;
    directory.watcher ??= this.#open(path);
    this.#directories.set(path, directory);
  }

  #leave(name: string, places: readonly Place[]): void {
    for (const { directory: path, name: entry } of places) {
      const directory = this.#directories.get(path);
      const subjects = directory?.entries.get(entry);
      subjects?.delete(name);
      if (subjects?.size === 0) directory?.entries.delete(entry);
      if (directory?.entries.size !== 0) continue;
      directory.watcher?.close();
      this.#directories.delete(path);
    }
  }

  #open(path: string): FSWatcher | undefined {
    try {
      const watcher = watchDirectory(path, { persistent: false }, (_, entry) => this.#notice(path, entry));
      watcher.on('error', () => {
        watcher.close();
        const directory = this.#directories.get(path);
        if (directory?.watcher === watcher) directory.watcher = undefined;
        this.#notice(path, null);
      });
      return watcher;
    } catch {
      return undefined; // not there any more, or the system's limit of watches is reached: polling finds it
    }
  }

  #notice(path: string, entry: string | null): void {
    const entries = this.#directories.get(path)?.entries;
    if (!entries) return;
    // Without a name, or with that of the directory itself, it may be any of them.
    const concerned =
      entry === null || entry === basename(path)
        ? [...entries.values()]
        : [entries.get(entry), entries.get(any)];
    for (const name of new Set(concerned.flatMap((subjects) => [...(subjects ?? [])]))) {
      const subject = this.#subjects.get(name);
      if (subject) this.#touch(name, subject);
    }
  }

  /** Waits until no change has followed for a while, but not for ever. */
  #touch(name: string, subject: Subject): void {
    const now = performance.now();
    const { settle } = this.#options;
    if (!subject.settling.pending) subject.latest = now + Math.max(longestUnrest, settle);
    const delay = Math.min(settle, subject.latest - now);
    subject.settling.start(delay, () => this.#changed(name));
  }

  #schedulePoll(): void {
    const { pollInterval } = this.#options;
    this.#poll.start(pollInterval * 1000 * (0.9 + Math.random() / 5), () => {
      this.#compareAll().finally(() => {
        if (!this.#closed && this.#subjects.size > 0) this.#schedulePoll();
      });
    });
  }

  async #compareAll(): Promise<void> {
    const subjects = [...this.#subjects];
    for (let start = 0; start < subjects.length && !this.#closed; start += pollBatch) {
      const batch = subjects.slice(start, start + pollBatch);
      await Promise.all(batch.map(([name, subject]) => this.#compare(name, subject)));
    }
  }

  async #compare(name: string, subject: Subject): Promise<void> {
    const { states } = subject;
    for (const [path, state] of states) {
      const now = await currentState(path);
      if (this.#subjects.get(name) !== subject || subject.states !== states) return;
      if (now === state) continue;
      states.set(path, now);
      if (state !== null) this.#touch(name, subject);
    }
  }
}

/** The state that a file is in now; `undefined` where it is not there. */
export async function currentState(path: string): Promise<string | undefined> {
  return stat(path).then(stateOf, () => undefined);
}

interface Subject {
  states: Map<string, string | null | undefined>;
  places: readonly Place[];
  readonly settling: Timer;
  /** When a file that never comes to rest is read all the same. */
  latest: number;
}

interface Directory {
  watcher: FSWatcher | undefined;
  identity: string | undefined;
  /** The subjects that an entry concerns, by its name; under {@link any} those that every entry concerns. */
  readonly entries: Map<string, Set<string>>;
}

/** No entry of a directory is called so. */
const any = '/';

function keyOf({ directory, name }: Place): string {
  return `${directory}\0${name}`;
}

function newSubject(): Subject {
  return { states: new Map(), places: [], settling: new Timer(), latest: 0 };
}

function identify(directory: string): Promise<string | undefined> {
  return stat(directory).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );
}

const longestUnrest = 5000;
const pollBatch = 32;
