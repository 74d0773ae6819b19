/** A service with one operation, as node-soap reads it. */
export const wsdl = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:tns="urn:bench" targetNamespace="urn:bench" name="Bench">
  <types><xsd:schema targetNamespace="urn:bench"><xsd:element name="Say" type="xsd:string"/><xsd:element name="said" type="xsd:string"/></xsd:schema></types>
  <message name="In"><part name="parameters" element="tns:Say"/></message>
  <message name="Out"><part name="parameters" element="tns:said"/></message>
  <portType name="Port"><operation name="Say"><input message="tns:In"/><output message="tns:Out"/></operation></portType>
  <binding name="Binding" type="tns:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Say"><soap:operation soapAction="urn:bench/Say"/><input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  </binding>
  <service name="Service"><port name="Port" binding="tns:Binding"><soap:address location="https://127.0.0.1/"/></port></service>
</definitions>`;
