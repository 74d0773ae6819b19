export * from '@clientcert/core';
export { type SoapOptions, soapOptions } from './options.ts';
export { ClientCertificateSecurity, type ClientCertificateSecurityOptions } from './security.ts';
export type { SignOptions } from './signature.ts';
