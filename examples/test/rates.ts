import type { RequestHandler } from '@clientcert/testing';

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

/** Answers a GET with the WSDL of a service for exchange rates, and a POST with a rate. */
export const rates: RequestHandler = async (request, response) => {
  for await (const _ of request);
  response.setHeader('content-type', 'text/xml').end(request.method === 'GET' ? wsdl : answer);
  return true;
};
