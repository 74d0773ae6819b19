// It has to look at the process while it is imported, as axios does, which node-soap imports.
import '@clientcert/axios';

export * from '@clientcert/core';
export type { SignOptions } from './envelope.ts';
export { type SoapOptions, soapOptions } from './options.ts';
export { ClientCertificateSecurity, type ClientCertificateSecurityOptions } from './security.ts';
