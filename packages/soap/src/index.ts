export * from '@clientcert/core';
export type { SignOptions } from './envelope.ts';
export { type SoapOptions, soapOptions } from './options.ts';
export { ClientCertificateSecurity, type ClientCertificateSecurityOptions } from './security.ts';
