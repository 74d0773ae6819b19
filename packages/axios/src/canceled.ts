import type { Credentials } from '@clientcert/core';
import { type CallSignal, type Loading, whileWanted } from '@clientcert/core/adapter';
import type { InternalAxiosRequestConfig } from 'axios';
import { own } from './outgoing.ts';

/**
 * Waits for credentials while the call is wanted: axios looks at `signal` and `cancelToken` only when its interceptors
 * are done.
 */
export async function untilCanceled(
  loading: Loading,
  config: InternalAxiosRequestConfig,
): Promise<Credentials> {
  const signal = own(config, 'signal') as CallSignal | null | undefined;
  const { promise, reason } = own(config, 'cancelToken') ?? {};
  if (reason) throw reason;
  const canceled = promise?.then((cause) => Promise.reject(cause));
  canceled?.catch(() => {});
  const { cancel } = (canceled ?? {}) as { cancel?: () => void };
  try {
    return await Promise.race([
      whileWanted(loading, signal, own(config, 'data')),
      ...(canceled ? [canceled] : []),
    ]);
  } catch (error) {
    const isReason = signal?.aborted && error === (signal.reason ?? error);
    throw isReason ? asAxiosTells(config) : asThrown(error);
  } finally {
    // Of axios' own: one token may be that of all calls.
    cancel?.();
  }
}

/** The `CanceledError` of axios, which is known by its mark (`axios.isCancel`) and not by its class. */
function asAxiosTells(config: InternalAxiosRequestConfig): Error {
  const mark = { name: 'CanceledError', code: 'ERR_CANCELED', config, isAxiosError: true, __CANCEL__: true };
  return Object.assign(new Error('canceled'), mark);
}

/**
 * An error of somebody else's is the same one for all calls, and axios adds to its stack where each was called. That of the last
 * is enough.
 */
function asThrown(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!stacks.has(error)) stacks.set(error, error.stack);
  const stack = stacks.get(error);
  if (error.stack !== stack) Reflect.set(error, 'stack', stack);
  return error;
}

const stacks = new WeakMap<Error, string | undefined>();
