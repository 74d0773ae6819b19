export type { RoutingAgent } from './agent/agent.ts';
export type { Handshake, HandshakeFailure } from './agent/handshake.ts';
export { clientCertHeaders } from './client-cert-headers.ts';
export { defineConfig } from './config/define.ts';
export { fromEnvironment } from './config/environment.ts';
export { fromMendixSettings, type MendixSettings } from './config/mendix.ts';
export type { CertificateInfo } from './credentials/certificate-info.ts';
export type { Credentials, SigningKey } from './credentials/credentials.ts';
export type { CredentialsEvents, CredentialsWarning, Rollback, Rotation } from './credentials/events.ts';
export type { ConnectIdentity } from './credentials/identity.ts';
export { inspectFile, loadCredentials, readCertificate } from './credentials/late.ts';
export type { ServerOptions } from './credentials/servers.ts';
export type { Confidence } from './diagnose/causes.ts';
export {
  type Alternative,
  type Diagnosable,
  type DiagnoseOptions,
  type Diagnosis,
  diagnose,
} from './diagnose/diagnose.ts';
export type { CertificateFacts, ConnectionFacts, Facts } from './diagnose/facts.ts';
export type { DiagnosisName } from './diagnose/symptoms.ts';
export {
  ClientCertificateError,
  type ClientCertificateErrorCode,
  type ConfigIssue,
  type PassphraseOf,
} from './errors.ts';
export type { Inspection, InspectOptions } from './load/index.ts';
export type { CertificateRole, Expired, Expiring } from './rotate/expiry.ts';
export type { Health, HealthReason } from './rotate/health.ts';
export {
  type MetricsTarget,
  type OpenTelemetryMeter,
  type PrometheusClient,
  type PrometheusRegistry,
  registerMetrics,
} from './rotate/metrics.ts';
export type { ReloadReport } from './rotate/reloader.ts';
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
