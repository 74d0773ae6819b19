import type { Credentials } from '@clientcert/core';
import { isRoutingAgent } from '@clientcert/core';
import type { AxiosInstance, InternalAxiosRequestConfig } from 'axios';

export * from '@clientcert/core';

declare module 'axios' {
  interface AxiosRequestConfig {
    /** Make this call as a service of the config, or with `false` present no certificate. Redirects included. */
    clientCertificate?: string | false | undefined;
  }
}
