import type { Client } from 'soap';

/**
 * The origin that the caller of a SOAP call named, in the sense in which a service without `hosts` applies there:
 * the address itself where the caller set it or where it stands in a WSDL of their own; for one in a WSDL that
 * came from the network, the origin of that WSDL.
 *
 * @param endpoint What the caller set when the client was made.
 */
export function namedOrigin(address: string, client: Client, endpoint: string | undefined): string {
  const { wsdl, endpoint: set } = client as unknown as SoapClient;
  const written = address === endpoint || address === set ? undefined : findDocument(wsdl, address);
  const from = written !== undefined && /^https?:/i.test(written.uri) ? written.uri : address;
  return new URL(from).origin;
}

/** The WSDL, among one and those that it imports, that an address stands in. */
function findDocument(wsdl: Wsdl, address: string, seen: Set<Wsdl> = new Set()): Wsdl | undefined {
  if (seen.has(wsdl)) return undefined;
  seen.add(wsdl);
  // What is imported first: node-soap merges it into what imports it.
  for (const imported of wsdl._includesWsdl ?? []) {
    const found = findDocument(imported, address, seen);
    if (found) return found;
  }
  const services = Object.values(wsdl.definitions?.services ?? {});
  const ports = services.flatMap((service) => Object.values(service.ports ?? {}));
  return ports.some(({ location }) => location === address) ? wsdl : undefined;
}

/** What node-soap's classes have and their types leave out. */
interface SoapClient {
  wsdl: Wsdl;
  endpoint?: string;
}
interface Wsdl {
  /** A URL, a path, or the document itself. */
  uri: string;
  definitions?: { services?: Record<string, { ports?: Record<string, { location?: string }> }> };
  _includesWsdl?: Wsdl[];
}
