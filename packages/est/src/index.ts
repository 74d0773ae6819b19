export * from '@clientcert/core';
export type {
  KeyType,
  Renewed,
  RenewedFiles,
  RenewedSource,
  RenewingOptions,
  Secret,
} from '@clientcert/core/enrolment';
export type { EstLogin, EstOptions } from './options.ts';
export { fromEst } from './source.ts';
