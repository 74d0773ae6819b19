import './global-dispatcher.ts';

export * from '@clientcert/core';
export { createDispatcher, type DispatcherOptions } from './dispatcher.ts';
export { type CertificateFetch, createFetch, type FetchOptions } from './fetch.ts';
export { clientCertificates, type DispatchIdentity, type InterceptorOptions } from './interceptor.ts';
export type { PoolOptions } from './pool-options.ts';
