import { realpath, stat } from 'node:fs/promises';

/** How often the files are looked at, in milliseconds. */
const interval = 1000;
/** How many files are looked at in one turn, so that ten thousand do not arrive at once. */
const batch = 500;

/**
 * Watches files by looking at them: where each path leads, and what lies there. That sees an atomic rename, a
 * rewrite in place, certbot's and Kubernetes' symlink swaps, deletion and return, and it works on network file
 * systems, none of which events of the file system do alike. A change is told when it has settled, which is
 * when two looks in a row saw the same.
 *
 * The timer never keeps the process alive.
 */
export class FileWatch {
  readonly #watched = new Map<string, Watched>();
  readonly #changed: (name: string) => Promise<boolean>;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param changed Called with the name whose files have changed and settled; resolves to false to be asked again. */
  constructor(changed: (name: string) => Promise<boolean>) {
    this.#changed = changed;
  }

  /** Watches these paths under a name, from what they are now on. */
  async set(name: string, paths: readonly string[]): Promise<void> {
    const seen = await look(paths);
    if (this.#closed) return;
    this.#watched.set(name, { paths, read: seen, seen, retryAt: 0, failures: 0 });
    this.#schedule();
  }

  delete(name: string): void {
    this.#watched.delete(name);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watched.clear();
  }

  #schedule(): void {
    if (this.#closed || this.#timer || this.#watched.size === 0) return;
    this.#timer = setTimeout(() => {
      void this.#turn().finally(() => {
        this.#timer = undefined;
        this.#schedule();
      });
    }, interval).unref();
  }

  async #turn(): Promise<void> {
    const all = [...this.#watched];
    for (let start = 0; start < all.length && !this.#closed; start += batch) {
      await Promise.all(all.slice(start, start + batch).map(([name, watched]) => this.#check(name, watched)));
    }
  }

  async #check(name: string, watched: Watched): Promise<void> {
    const now = await look(watched.paths);
    const settled = now === watched.seen;
    watched.seen = now;
    if (!settled) watched.retryAt = 0;
    if (!settled || now === watched.read || Date.now() < watched.retryAt || this.#closed) return;
    if (await this.#changed(name)) {
      watched.read = now;
      watched.failures = 0;
    } else {
      // Read again, less and less often, with a jitter that keeps a fleet from doing so in step.
      watched.failures += 1;
      watched.retryAt = Date.now() + Math.min(2 ** watched.failures, 60) * 1000 * (0.75 + Math.random() / 2);
    }
  }
}

interface Watched {
  readonly paths: readonly string[];
  /** What the files looked like when they were read last. */
  read: string;
  /** What they looked like the last time. */
  seen: string;
  retryAt: number;
  failures: number;
}

/** Where each path leads and what lies there, as one text to compare. */
async function look(paths: readonly string[]): Promise<string> {
  const looks = paths.map(async (path) => {
    try {
      const [target, { ino, size, mtimeNs }] = await Promise.all([
        realpath(path),
        stat(path, { bigint: true }),
      ]);
      return `${target}:${ino}:${size}:${mtimeNs}`;
    } catch {
      return 'gone';
    }
  });
  return (await Promise.all(looks)).join('\n');
}
