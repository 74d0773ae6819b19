export * from '@clientcert/core';
export type {
  KeyType,
  Renewed,
  RenewedFiles,
  RenewedSource,
  RenewingOptions,
  Secret,
} from '@clientcert/core/enrolment';
export type {
  AppRoleLogin,
  KubernetesLogin,
  TokenLogin,
  VaultLogin,
  VaultOptions,
} from './options.ts';
export { fromVault } from './source.ts';
