export * from '@clientcert/core';
export type {
  KeyType,
  Renewed,
  RenewedFiles,
  RenewedSource,
  RenewingOptions,
  Secret,
} from '@clientcert/core/enrolment';
export type { StepCaOptions, StepProvisioner } from './options.ts';
export { fromStepCa } from './source.ts';
