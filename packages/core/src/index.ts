export { isRoutingAgent, type RoutingAgent } from './agent/agent.ts';
export type { Handshake } from './agent/handshake.ts';
export type { CertificateInfo } from './certificate-info.ts';
export { defineConfig } from './config/define.ts';
export { fromEnvironment } from './config/environment.ts';
export { fromMendixSettings, type MendixSettings } from './config/mendix.ts';
export {
  type ConnectIdentity,
  type Credentials,
  type CredentialsEvents,
  loadCredentials,
  type ReloadReport,
  type Rotation,
} from './credentials.ts';
export {
  ClientCertificateError,
  type ClientCertificateErrorCode,
  type ConfigIssue,
} from './errors.ts';
export { type Inspection, type InspectOptions, inspectFile, readCertificate } from './load/index.ts';
export type { PinnedConnectOptions } from './tls/profile.ts';
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
