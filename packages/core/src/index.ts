export { defineConfig } from './config/define.ts';
export { fromEnvironment } from './config/environment.ts';
export { fromMendixSettings, type MendixSettings } from './config/mendix.ts';
export {
  ClientCertificateError,
  type ClientCertificateErrorCode,
  type ConfigIssue,
} from './errors.ts';
export type {
  CertificateSource,
  ClientCertificate,
  Config,
  ConsideredRule,
  ExplainedCertificate,
  Explanation,
  FileFormat,
  FileSource,
  HostPin,
  LoadProgress,
  Material,
  Passphrase,
  ProxyOptions,
  Resolution,
  RuleOptions,
  ServicePin,
  SourceOptions,
  Target,
  TlsPin,
  TlsRange,
  TlsVersion,
  Warning,
  WarningCode,
} from './types.ts';
