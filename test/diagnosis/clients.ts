import { get } from 'node:https';
import { clientCertificates as certifyAxios } from '@clientcert/axios';
import type { Credentials } from '@clientcert/core';
import { clientCertificates as certifyGot } from '@clientcert/got';
import { soapOptions } from '@clientcert/soap';
import { clientCertificates as certifyUndici, createFetch } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import * as soap from 'soap';
import * as undici from 'undici';

/** A call: an answer, or what the client throws. */
export type Call = (credentials: Credentials, url: string) => Promise<unknown>;

/** A client through each adapter. */
export const clients = {
  https: (credentials, url) =>
    new Promise((resolve, reject) => {
      get(url, { agent: credentials.agent({ keepAlive: false }) }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode, body, url });
      }).on('error', reject);
    }),
  axios: async (credentials, url) => {
    const api = axios.create({ proxy: false });
    certifyAxios(api, credentials);
    return await api.get(url);
  },
  got: async (credentials, url) => {
    return await got.extend(certifyGot(credentials))(url, { retry: { limit: 0 } });
  },
  undici: async (credentials, url) => {
    const dispatcher = new undici.Agent().compose(certifyUndici(credentials));
    const { statusCode, body } = await undici.request(url, { dispatcher });
    return { status: statusCode, body: await body.text(), url };
  },
  fetch: async (credentials, url) => {
    const response = await createFetch(credentials)(url);
    return { status: response.status, body: await response.text(), url };
  },
  soap: async (credentials, url) => {
    try {
      return await soap.createClientAsync(`${url}?wsdl`, soapOptions(credentials));
    } catch (error) {
      // It was answered with 200, and then found no WSDL.
      if (error instanceof Error && /\bWSDL\._parse\b/.test(error.stack!)) return { status: 200, url };
      throw error;
    }
  },
} satisfies Record<string, Call>;

export type Client = keyof typeof clients;
