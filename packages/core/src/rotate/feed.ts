import { callSource, firstOf, type SourceFunction, SourceStream } from '../load/source-stream.ts';
import type { FileSource, SourceCall } from '../types.ts';
import type { News } from './renewal.ts';
import { Timer } from './timer.ts';

/**
 * What a function says of one certificate: asked each time, or, where it returned an async iterable, told from then on.
 * That one is open for as long as it brings versions, and is asked for the next once a second at most.
 */
export class Feed implements News {
  readonly #source: SourceFunction;
  readonly #pause = new Timer();
  #stream: SourceStream | undefined;
  #latest: FileSource | undefined;
  #isUnread = false;
  /** Whether there was a version before. */
  #isUsed = false;
  #openedAt = 0;
  #readAt = 0;
  /** Why the stream ended, until that was told. */
  #end: { readonly error: unknown } | undefined;
  #endings = 0;
  #bell: Bell | undefined;
  #closed = false;

  constructor(source: SourceFunction) {
    this.#source = source;
  }

  /** The latest version. Rejects once where the stream has ended; the function is called anew after that. */
  async ask({ signal }: SourceCall): Promise<FileSource> {
    if (this.#stream || this.#isUnread) {
      this.#isUnread = false;
      this.#bell = createBell();
      if (this.#end) this.#bell.ring();
      return this.#latest!;
    }
    if (this.#end) {
      const { error } = this.#end;
      this.#end = undefined;
      this.#bell = undefined;
      throw error;
    }
    const given = await callSource(this.#source, { signal, isRenewal: this.#isUsed });
    if (!(given instanceof SourceStream)) {
      this.#isUsed = true;
      return given;
    }
    this.#latest = await firstOf(given, signal);
    this.#isUsed = true;
    if (this.#closed) given.close();
    else this.#open(given);
    return this.#latest;
  }

  /** Resolves when there is another version than was asked for last, or the end. `undefined` where nothing is open. */
  next(): Promise<void> | undefined {
    return this.#bell?.rung;
  }

  /** How many streams in a row ended soon after they were opened; none while one is open. */
  get endings(): number {
    return this.#stream ? 0 : this.#endings;
  }

  close(): void {
    this.#closed = true;
    this.#pause.stop();
    this.#stream?.close();
    this.#stream = undefined;
    this.#bell = undefined;
  }

  #open(stream: SourceStream): void {
    this.#stream = stream;
    this.#openedAt = performance.now();
    this.#readAt = this.#openedAt - shortestPause;
    this.#bell = createBell();
    this.#follow(stream);
  }

  #follow(stream: SourceStream): void {
    this.#pause.start(this.#readAt + shortestPause - performance.now(), async () => {
      this.#readAt = performance.now();
      try {
        const version = await stream.next();
        if (stream !== this.#stream) return;
        this.#latest = version;
        this.#isUnread = true;
        this.#bell?.ring();
        this.#follow(stream);
      } catch (error) {
        if (stream !== this.#stream) return;
        stream.close();
        this.#stream = undefined;
        this.#end = { error };
        this.#endings = performance.now() - this.#openedAt < short ? this.#endings + 1 : 1;
        this.#bell?.ring();
      }
    });
  }
}

interface Bell {
  readonly rung: Promise<void>;
  ring(): void;
}

function createBell(): Bell {
  let ring = () => {};
  const rung = new Promise<void>((resolve) => {
    ring = resolve;
  });
  return { rung, ring };
}

/** One that has versions without end is no reason to do nothing else. Milliseconds, as those below. */
const shortestPause = 1000;
/** A stream that lasted for as long as the longest wait between two tries counts as one that worked. */
const short = 60_000;
