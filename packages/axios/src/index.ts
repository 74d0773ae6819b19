import './xml-http-request.ts';

export * from '@clientcert/core';
export { decideRequest } from './decide.ts';
export { clientCertificates } from './install.ts';
export type { RequestIdentity } from './outgoing.ts';
export { type Transport, transportOf } from './transport.ts';

declare module 'axios' {
  interface AxiosRequestConfig {
    /** Make this call as a service of the config; with `false`, send no certificate. Redirects included. */
    clientCertificate?: string | false | undefined;
  }
}
