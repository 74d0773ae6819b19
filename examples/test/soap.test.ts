import { createAuthority, type RequestHandler, startServer, type TestServer } from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Examples, layOut } from './run.ts';

const urn = 'urn:bank:rates';

const wsdl = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="${urn}" targetNamespace="${urn}" name="Rates">
  <types><xsd:schema targetNamespace="${urn}" elementFormDefault="qualified">
    <xsd:element name="GetRate"><xsd:complexType><xsd:sequence><xsd:element name="currency" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="GetRateResponse"><xsd:complexType><xsd:sequence><xsd:element name="rate" type="xsd:decimal"/></xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></types>
  <message name="GetRateIn"><part name="parameters" element="tns:GetRate"/></message>
  <message name="GetRateOut"><part name="parameters" element="tns:GetRateResponse"/></message>
  <portType name="Port"><operation name="GetRate"><input message="tns:GetRateIn"/><output message="tns:GetRateOut"/></operation></portType>
  <binding name="Binding" type="tns:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="GetRate"><soap:operation soapAction="${urn}/GetRate"/><input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  </binding>
  <service name="Rates"><port name="Port" binding="tns:Binding"><soap:address location="https://api.bank.example/rates"/></port></service>
</definitions>`;

const answer = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><GetRateResponse xmlns="${urn}"><rate>1.08</rate></GetRateResponse></soap:Body></soap:Envelope>`;

const service: RequestHandler = async (request, response) => {
  for await (const _ of request);
  response.setHeader('content-type', 'text/xml').end(request.method === 'GET' ? wsdl : answer);
  return true;
};

let server: TestServer;
let examples: Examples;
let tax: Uint8Array;

beforeAll(async () => {
  const authority = await createAuthority();
  examples = await layOut(authority, ['core', 'soap']);
  tax = await (await authority.issue({ name: 'tax', keyType: 'rsa' })).pfx('for the taxes');
  server = await startServer({ authority, hosts: ['api.bank.example'], handler: service });
}, 60_000);
afterAll(async () => {
  await server?.close();
  await examples?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.requests.length = 0;
});

it.each([
  ['basic.mjs', ['GET bank', 'POST bank'], '1.08'],
  ['services.mjs', ['GET bank', 'POST bank', 'POST tax'], ''],
  ['signed.mjs', ['GET bank', 'POST bank'], '1.08'],
  ['without-await.cjs', ['GET bank', 'POST bank'], '1.08'],
])('examples/soap/%s', async (file, expected, said) => {
  const ports = { 'api.bank.example:443': server.port };
  const env = { TAX_PFX_PASSPHRASE: 'for the taxes', SOAP_PASSWORD: 'secret' };
  const { code, output } = await examples.run(`soap/${file}`, ports, { files: { 'tax.pfx': tax }, env });
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(said) });
  const seen = server.requests.map(
    ({ method, clientCertificate }) => `${method} ${clientCertificate?.commonName ?? 'none'}`,
  );
  expect(seen).toEqual(expected);
  if (file === 'signed.mjs') {
    const { body } = server.requests.at(-1)!;
    for (const part of ['BinarySecurityToken', 'SignatureValue', 'Timestamp', 'UsernameToken']) {
      expect(body).toContain(part);
    }
  }
});
