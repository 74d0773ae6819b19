export * from '@clientcert/core';
export type { RenewedSource } from '@clientcert/core/enrolment';
export { spiffeIdOf } from '@clientcert/core/enrolment';
export type { WorkloadApiOptions } from './options.ts';
export { fromWorkloadApi } from './source.ts';
