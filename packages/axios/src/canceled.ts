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
  try {
    return await Promise.race([
      whileWanted(loading, signal, own(config, 'data')),
      ...(canceled ? [canceled] : []),
    ]);
  } catch (error) {
    const isReason = signal?.aborted && error === (signal.reason ?? error);
    throw isReason ? asAxiosTells(config) : error;
  }
}

/** The `CanceledError` of axios, which is known by its mark (`axios.isCancel`) and not by its class. */
function asAxiosTells(config: InternalAxiosRequestConfig): Error {
  const mark = { name: 'CanceledError', code: 'ERR_CANCELED', config, __CANCEL__: true };
  return Object.assign(new Error('canceled'), mark);
}
