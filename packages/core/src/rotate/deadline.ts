import { ClientCertificateError } from '../errors.ts';
import { untilAborted } from '../load/until-aborted.ts';
import { Timer } from './timer.ts';

/**
 * Ends a reading that takes too long: its signal is aborted, and nobody waits for it any longer. What a thread of
 * the file system holds goes on until the system gives it back; `settled` tells when.
 *
 * @param name What is read, as messages call it.
 * @param until Ends it before its time, with its reason.
 */
export function withDeadline<Value>(
  name: string,
  read: (signal: AbortSignal) => Promise<Value>,
  until?: AbortSignal,
): { readonly value: Promise<Value>; readonly settled: Promise<void> } {
  const ending = new AbortController();
  const timer = new Timer();
  timer.start(deadline, () => ending.abort(tooLate(name)));
  const abort = () => ending.abort(until?.reason);
  if (until?.aborted) abort();
  until?.addEventListener('abort', abort, { once: true });
  const begin = async () => {
    ending.signal.throwIfAborted();
    return read(ending.signal);
  };
  const work = begin();
  return {
    value: untilAborted(work, ending.signal).finally(() => {
      timer.stop();
      until?.removeEventListener('abort', abort);
    }),
    settled: work.then(
      () => {},
      () => {},
    ),
  };
}

export function tooLate(name: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_FILE_UNREADABLE',
    `"${name}": reading it took more than ${deadline / 1000} seconds`,
    {
      hint: 'Is the file system or the store that it comes from away? Give calls to a store a timeout of their own.',
    },
  );
}

/** Milliseconds. */
const deadline = 120_000;
