import { type Agent, get } from 'node:https';
import { type Credentials, clientCertificates } from '@clientcert/axios';
import { clientCertificates as forGot } from '@clientcert/got';
import { soapOptions } from '@clientcert/soap';
import { createDispatcher, createFetch, clientCertificates as forUndici } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import * as soap from 'soap';
import { Agent as Dispatcher, request as undiciRequest } from 'undici';

/** Sends one request. */
export type Send = (url: string) => Promise<unknown>;

export const clients: Readonly<Record<string, (credentials: Credentials) => Send>> = {
  'https, connections kept': (credentials) => {
    const agent = credentials.agent();
    return (url) => fetchWith(agent, url);
  },
  'https, four connections and a queue': (credentials) => {
    const agent = credentials.agent({ maxSockets: 4 });
    return (url) => fetchWith(agent, url);
  },
  'https, a connection for each request': (credentials) => {
    const agent = credentials.agent({ keepAlive: false });
    return (url) => fetchWith(agent, url);
  },
  axios: (credentials) => {
    const api = axios.create();
    clientCertificates(api, credentials);
    return (url) => api.get(url);
  },
  got: (credentials) => {
    const api = got.extend(forGot(credentials), { retry: { limit: 0 } });
    return (url) => api(url);
  },
  'node-soap': (credentials) => (url) =>
    soap.createClientAsync(url, soapOptions(credentials, { disableCache: true })),
  undici: (credentials) => {
    const dispatcher = createDispatcher(credentials, { allowH2: false });
    return async (url) => (await undiciRequest(url, { dispatcher })).body.dump();
  },
  'undici, interceptor': (credentials) => {
    const dispatcher = new Dispatcher().compose(forUndici(credentials));
    return async (url) => (await undiciRequest(url, { dispatcher })).body.dump();
  },
  'undici over HTTP/2': (credentials) => {
    // undici 7 keeps what was closed while it was busy until these are over.
    const timeouts = { headersTimeout: 5_000, bodyTimeout: 5_000 };
    const dispatcher = createDispatcher(credentials, { allowH2: true, ...timeouts });
    return async (url) => (await undiciRequest(url, { dispatcher })).body.dump();
  },
  fetch: (credentials) => {
    const call = createFetch(credentials);
    return async (url) => (await call(url)).arrayBuffer();
  },
};

/** What a server answers to a client that loads a WSDL. */
export const emptyWsdl = '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:test"/>';

function fetchWith(agent: Agent, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => resolve());
      response.on('error', reject);
    }).on('error', reject);
  });
}
