import { Agent } from 'node:https';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { ClientCertificateSecurity, soapOptions } from '@clientcert/soap';
import * as soap from 'soap';
import type { AdapterUnderTest } from './adapter.ts';
import { asItIs } from './ground.ts';

const urn = 'urn:clientcert:suite';

export const adapters: AdapterUnderTest[] = [
  {
    name: 'soap',
    module: import.meta.url,
    readsEnvironment: true,
    signs: true,
    unsupported: { 'a streamed upload': 'a message is a text' },

    /** Envelopes, where the server's own routes have other bodies. */
    async answer(request, response, { path, url }) {
      if (/^\/(redirect|status)\b/.test(path)) return false;
      for await (const _ of request);
      const query = new URL(url, 'https://localhost').searchParams;
      if (path.startsWith('/delay')) await pause(Number(query.get('ms')));
      const body = path.startsWith('/large') ? 'x'.repeat(Number(query.get('bytes'))) : 'hello';
      response.writeHead(200, { 'content-type': 'text/xml' }).end(envelope(body));
      return true;
    },

    create(credentials, { ownAgent, ownCertificate, proxy, retries = 0, security } = {}) {
      const own = ownCertificate && asSecurity(ownCertificate);
      const asHostsSay = soapOptions(credentials);
      return {
        async send(url, { service, body = '', signal, timeout, hand = asItIs } = {}) {
          const asService = service === undefined ? asHostsSay : soapOptions(credentials, { service });
          const isAlone = security?.endsWith('alone');
          const client = await soap.createClientAsync(wsdl, isAlone ? {} : asService, url);
          if (security) {
            const ours = new ClientCertificateSecurity(credentials, {
              sign: security.startsWith('signs'),
              ...(isAlone && { service, origin: new URL(url).origin }),
              ...(own && { and: [own] }),
            });
            client.setSecurity(ours);
          } else if (own) client.setSecurity(own);
          let status = 0;
          client.on('response', (_body, response) => {
            status = (response as { status: number } | undefined)?.status ?? 0;
          });
          const options = {
            ...(signal && { signal }),
            ...(timeout !== undefined && { timeout }),
            ...(ownAgent && { httpsAgent: new Agent(ownAgent) }),
            ...(proxy !== undefined && { proxy: asAxiosProxy(proxy) }),
          };
          const message = { text: typeof body === 'string' ? body : await text(body) };
          for (let left = retries; ; left--) {
            try {
              const raw = await client.SayAsync!(message, hand(options));
              return { status, length: raw[0].said.length, raw: [raw, client] };
            } catch (error) {
              if (left === 0 || status !== 503) throw error;
            }
          }
        },
      };
    },
  },
];

/** node-soap's own way to bring a certificate. */
function asSecurity({ key, cert, ca }: { key: string; cert: string; ca: string }): soap.ISecurity {
  const [keyBytes, certBytes, caBytes] = [key, cert, ca].map((pem) => Buffer.from(pem));
  return new soap.ClientSSLSecurity(keyBytes!, certBytes!, [caBytes!] as never);
}

function asAxiosProxy(proxy: string): object {
  const { protocol, hostname, port, username, password } = new URL(proxy);
  const auth = username ? { auth: { username, password } } : {};
  return { protocol, host: hostname, port: Number(port), ...auth };
}

const envelope = (said: string) =>
  `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><SayResponse xmlns="${urn}"><said>${said}</said></SayResponse></soap:Body></soap:Envelope>`;

/** One operation, `Say`, in a file: what is sent to a server is the call alone. By this it is found from a bundle too. */
export const wsdl: string = resolve('test/adapters/suite.wsdl');
