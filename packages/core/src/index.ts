export type { RoutingAgent } from './agent/agent.ts';
export { isRoutingAgent } from './agent/brand.ts';
export type { ConnectCallback, Connector, ConnectTarget } from './agent/connector.ts';
export {
  type DispatcherKind,
  Dispatchers,
  decides,
  type Identity,
  type Pool,
  type Route,
} from './agent/dispatchers.ts';
export type { Handshake, HandshakeFailure } from './agent/handshake.ts';
export { snapshot, written } from './agent/written.ts';
export type { CertificateInfo } from './certificate-info.ts';
export { defineConfig } from './config/define.ts';
export { fromEnvironment } from './config/environment.ts';
export { fromMendixSettings, type MendixSettings } from './config/mendix.ts';
export type { ConnectIdentity, Credentials, SigningKey } from './credentials.ts';
export {
  type Alternative,
  type Diagnosable,
  type DiagnoseOptions,
  type Diagnosis,
  diagnose,
  withDiagnosis,
} from './diagnose/diagnose.ts';
export type { CertificateFacts, ConnectionFacts, Facts } from './diagnose/facts.ts';
export type { Confidence } from './diagnose/judge.ts';
export type { DiagnosisName } from './diagnose/symptoms.ts';
export {
  ClientCertificateError,
  type ClientCertificateErrorCode,
  type ConfigIssue,
} from './errors.ts';
export type { CredentialsEvents, CredentialsWarning, Rollback, Rotation } from './events.ts';
export { inspectFile, loadCredentials, readCertificate } from './late.ts';
export type { Inspection, InspectOptions } from './load/index.ts';
export { acceptCredentials, type Loading, loadedOf } from './loading.ts';
export type { CertificateRole, Expired, Expiring } from './rotate/expiry.ts';
export type { Health, HealthReason } from './rotate/health.ts';
export {
  type MetricsTarget,
  type OpenTelemetryMeter,
  type PrometheusClient,
  type PrometheusRegistry,
  registerMetrics,
} from './rotate/metrics.ts';
export type { ReloadReport } from './rotate/renewals.ts';
export type { PinnedConnectOptions } from './tls/profile.ts';
export type {
  CaMaterial,
  CertificateSource,
  ClientCertificate,
  Config,
  ConsideredRule,
  ExpiryThreshold,
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
  SourceCall,
  SourceOptions,
  Target,
  TlsPin,
  TlsRange,
  TlsVersion,
  Truststore,
  Warning,
  WarningCode,
  WatchOptions,
} from './types.ts';
