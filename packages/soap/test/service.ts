import { type Authority, type ServerOptions, startServer, type TestServer } from '@clientcert/testing';

/** What a WSDL of the test service says beside its operations. */
export interface WsdlOptions {
  /** Where calls go. */
  address: string;
  /** Where its schema is; inline unless given. */
  schema?: string | undefined;
}

const urn = 'urn:clientcert:test';

/** One operation, `Who`, which answers with the name that the server saw. */
export function wsdl({ address, schema }: WsdlOptions): string {
  const text = (url: string) => url.replaceAll('&', '&amp;');
  const types = schema
    ? `<xsd:schema targetNamespace="${urn}"><xsd:include schemaLocation="${text(schema)}"/></xsd:schema>`
    : xsd;
  return `<?xml version="1.0" encoding="utf-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="${urn}" targetNamespace="${urn}" name="Test">
  <types>${types}</types>
  <message name="WhoIn"><part name="parameters" element="tns:Who"/></message>
  <message name="WhoOut"><part name="parameters" element="tns:WhoResponse"/></message>
  <portType name="TestPort">
    <operation name="Who"><input message="tns:WhoIn"/><output message="tns:WhoOut"/></operation>
  </portType>
  <binding name="TestBinding" type="tns:TestPort">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Who">
      <soap:operation soapAction="${urn}/Who"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="TestService">
    <port name="TestPort" binding="tns:TestBinding"><soap:address location="${text(address)}"/></port>
  </service>
</definitions>`;
}

const xsd = `<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="${urn}" elementFormDefault="qualified">
  <xsd:element name="Who"><xsd:complexType><xsd:sequence><xsd:element name="text" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
  <xsd:element name="WhoResponse"><xsd:complexType><xsd:sequence><xsd:element name="name" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
</xsd:schema>`;

/** Where the WSDL of a server says calls go, and where its schema is. */
export interface ServiceOptions extends ServerOptions {
  authority: Authority;
  wsdl?: (server: TestServer) => WsdlOptions;
}

/** Answers `/service?wsdl`, `/types.xsd` and calls; everything else is left to the server's own routes. */
export async function startService({ wsdl: describe, ...options }: ServiceOptions): Promise<TestServer> {
  const server: TestServer = await startServer({
    ...options,
    handler: async (request, response, seen) => {
      const { pathname, search } = new URL(seen.url);
      if (request.method === 'GET' && search === '?wsdl') {
        return response.end(wsdl(describe?.(server) ?? { address: `${server.urls[0]}/service` }));
      }
      if (request.method === 'GET' && pathname === '/types.xsd') return response.end(xsd);
      if (request.method !== 'POST' || pathname !== '/service') return false;
      for await (const _ of request);
      response.setHeader('content-type', 'text/xml');
      return response.end(
        `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><WhoResponse xmlns="${urn}"><name>${seen.clientCertificate?.commonName ?? 'nobody'}</name></WhoResponse></soap:Body></soap:Envelope>`,
      );
    },
  });
  return server;
}

/** Common names of those who asked, in the order of the requests, with what they asked for. */
export function seen(server: TestServer): string[] {
  return server.requests.map(
    ({ method, path, clientCertificate }) => `${method} ${path} ${clientCertificate?.commonName ?? 'nobody'}`,
  );
}
