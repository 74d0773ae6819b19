export * from '@clientcert/core';
export type {
  AppRoleLogin,
  KubernetesLogin,
  Secret,
  TokenLogin,
  VaultLogin,
  VaultOptions,
} from './options.ts';
export { fromVault, type VaultSource } from './source.ts';
