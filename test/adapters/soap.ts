import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
          const client = await soap.createClientAsync(wsdl(), isAlone ? {} : asService, url);
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

let written: string | undefined;

/** One operation, `Say`, in a file: what is sent to a server is the call alone. */
export function wsdl(): string {
  if (written) return written;
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-wsdl-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  written = join(directory, 'suite.wsdl');
  writeFileSync(
    written,
    `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="${urn}" targetNamespace="${urn}" name="Suite">
  <types><xsd:schema targetNamespace="${urn}" elementFormDefault="qualified">
    <xsd:element name="Say"><xsd:complexType><xsd:sequence><xsd:element name="text" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="SayResponse"><xsd:complexType><xsd:sequence><xsd:element name="said" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></types>
  <message name="SayIn"><part name="parameters" element="tns:Say"/></message>
  <message name="SayOut"><part name="parameters" element="tns:SayResponse"/></message>
  <portType name="Port"><operation name="Say"><input message="tns:SayIn"/><output message="tns:SayOut"/></operation></portType>
  <binding name="Binding" type="tns:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Say"><soap:operation soapAction="${urn}/Say"/><input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  </binding>
  <service name="Service"><port name="Port" binding="tns:Binding"><soap:address location="https://service.example/"/></port></service>
</definitions>`,
  );
  return written;
}
