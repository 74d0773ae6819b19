import { randomBytes } from 'node:crypto';

/** What a function answers with where a file is to be downloaded: the page gets a link, never the bytes. */
export class Download {
  /** What the file is called. */
  readonly name: string;
  readonly #content: Buffer;

  constructor(name: string, content: Buffer) {
    this.name = name;
    this.#content = content;
  }

  /** @internal */
  static contentOf(download: Download): Buffer {
    return download.#content;
  }
}

/** How long a link is good for, in milliseconds. */
const KEPT = 60_000;
/** So many wait at once; the oldest goes first. */
const MOST = 8;

/** Files that wait for their download: each link is good once, and for a minute. */
export class Downloads {
  readonly #waiting = new Map<string, { download: Download; timer: NodeJS.Timeout }>();

  /** @returns The name of the link. */
  add(download: Download): string {
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size >= MOST) this.take(oldest);
    const id = randomBytes(24).toString('base64url');
    const timer = setTimeout(() => this.#waiting.delete(id), KEPT).unref();
    this.#waiting.set(id, { download, timer });
    return id;
  }

  take(id: string): Download | undefined {
    const found = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(found?.timer);
    return found?.download;
  }

  clear(): void {
    for (const id of this.#waiting.keys()) this.take(id);
  }
}
