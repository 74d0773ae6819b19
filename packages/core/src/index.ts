export {
  ClientCertificateError,
  type ClientCertificateErrorCode,
  type ConfigIssue,
} from './errors.ts';
export { type Inspection, type InspectOptions, inspectFile, readCertificate } from './load/index.ts';
export type {
  CertificateSource,
  ClientCertificate,
  FileFormat,
  FileSource,
  Material,
  Passphrase,
  Warning,
  WarningCode,
} from './types.ts';
