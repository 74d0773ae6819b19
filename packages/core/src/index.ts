export { isRoutingAgent, type RoutingAgent } from './agent/agent.ts';
export type { Handshake } from './agent/handshake.ts';
export {
  type CertificateInfo,
  type ConnectIdentity,
  type Credentials,
  type CredentialsEvents,
  loadCredentials,
  type SigningKey,
} from './credentials.ts';
export {
  ClientCertificateError,
  type ClientCertificateErrorCode,
  type ConfigIssue,
} from './errors.ts';
export { type Inspection, type InspectOptions, inspectFile, readCertificate } from './load/index.ts';
export type {
  CertificateSource,
  ClientCertificate,
  Config,
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
