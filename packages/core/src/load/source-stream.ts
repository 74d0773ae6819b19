import { ClientCertificateError } from '../errors.ts';
import type { CertificateSource, FileSource, SourceCall } from '../types.ts';
import { handedOver } from './handed-over.ts';
import { Problem } from './problem.ts';
import { untilAborted } from './until-aborted.ts';

/** A source that is called. */
export type SourceFunction = Exclude<CertificateSource, FileSource>;

/** An async iterable of sources that a function returned: each is the next version of the one before. */
export class SourceStream {
  readonly #iterator: AsyncIterator<FileSource>;
  readonly #ending: AbortController;

  /** @param ending Whose signal the function was given. */
  constructor(iterable: AsyncIterable<FileSource>, ending: AbortController) {
    this.#iterator = iterable[Symbol.asyncIterator]();
    this.#ending = ending;
  }

  /** The next version. Rejects where the iterable fails, and where it ends. */
  async next(): Promise<FileSource> {
    let result: IteratorResult<FileSource>;
    try {
      const { done = false, value } = await this.#iterator.next();
      result = { done, value } as IteratorResult<FileSource>;
    } catch (cause) {
      throw failed('the async iterable that its function returned failed', cause);
    }
    if (!result.done) return handedOver(result.value);
    throw new Problem(
      'FILE_UNREADABLE',
      'the async iterable that its function returned has ended',
      'It is to wait for the next version, and not to end. The function is called again.',
    );
  }

  /** Ends it, and waits for nothing: what it waits for itself may never come. */
  close(): void {
    this.#ending.abort();
    const end = async () => this.#iterator.return?.();
    end().catch(() => {});
  }
}

/**
 * Asks a function for a source. Nobody waits for it longer than the signal says, whether it heeds it or not. The signal
 * that it is given itself lasts as long as the iterable that it returns.
 */
export async function callSource(
  source: SourceFunction,
  { signal, isRenewal }: SourceCall,
): Promise<FileSource | SourceStream> {
  const ending = new AbortController();
  const abort = () => ending.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const take = (given: FileSource | AsyncIterable<FileSource>) =>
      isAsyncIterable(given) ? new SourceStream(given, ending) : handedOver(given);
    const given = source({ signal: ending.signal, isRenewal });
    const answer = isThenable(given) ? Promise.resolve(given).then(take) : Promise.resolve(take(given));
    const end = (late: unknown) => {
      if (signal.aborted && late instanceof SourceStream) late.close();
    };
    answer.then(end, () => {});
    return await untilAborted(answer, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof Problem) throw cause;
    throw failed('the function that returns the source failed', cause);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The first version that a stream has; it is ended where there is none until the signal says so. */
export async function firstOf(stream: SourceStream, signal: AbortSignal): Promise<FileSource> {
  try {
    return await untilAborted(stream.next(), signal);
  } catch (error) {
    stream.close();
    throw error;
  }
}

/** An error of ours is told in its own words: they hold no secret, and name who called what. */
function failed(text: string, cause: unknown): Problem {
  return cause instanceof ClientCertificateError
    ? new Problem('FILE_UNREADABLE', cause.message, cause.hint, cause)
    : new Problem('FILE_UNREADABLE', text, 'Its error is the cause.', cause);
}

function isThenable<Value>(given: Value | PromiseLike<Value>): given is PromiseLike<Value> {
  return typeof (given as Partial<PromiseLike<Value>> | null | undefined)?.then === 'function';
}

function isAsyncIterable(given: unknown): given is AsyncIterable<FileSource> {
  return typeof given === 'object' && given !== null && Symbol.asyncIterator in given;
}
