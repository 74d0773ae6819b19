import { written } from '@clientcert/core/adapter';
import type { Client } from 'soap';

/**
 * Which origin a caller named, in the sense in which a service without `hosts` applies there: that of the document
 * that they asked for, of an address in their own files, or of one that they set. What a document from the network
 * imports, or sends calls to, is not named by them.
 */
const nowhere = 'https://imported.invalid'; // RFC 6761, section 6.4: no host is called so

/**
 * The origin that the caller of a SOAP call named.
 *
 * @param endpoint What the caller set when the client was made.
 */
export function originOfCall(address: string, client: Client, endpoint: string | undefined): string {
  const { wsdl } = client as unknown as SoapClient;
  const set = written(client as unknown as SoapClient, 'endpoint');
  // What no document says is theirs as well: an `endpoint` beside our options, or after them.
  const isNamed = address === endpoint || address === set || !says(wsdl, address);
  if (isNamed) return new URL(address).origin;
  if (isRemote(wsdl.uri)) return new URL(wsdl.uri).origin;
  return isImported(wsdl, address) ? nowhere : new URL(address).origin;
}

/** Whether an address stands in a document from the network that a WSDL of the caller's own imports. */
function isImported(wsdl: Wsdl, address: string, seen: Set<Wsdl> = new Set()): boolean {
  seen.add(wsdl);
  return (wsdl._includesWsdl ?? []).some((imported) => {
    if (seen.has(imported)) return false;
    return (isRemote(imported.uri) && says(imported, address)) || isImported(imported, address, seen);
  });
}

/** Whether a document sends calls to an address; node-soap puts what it imports into it. */
function says({ definitions }: Wsdl, address: string): boolean {
  const services = Object.values(definitions?.services ?? {});
  const ports = services.flatMap((service) => Object.values(service.ports ?? {}));
  return ports.some(({ location }) => location === address);
}

/**
 * node-soap's hook for the places of imports, through which a document's own options tell, when it is fetched, for
 * which document it is imported.
 *
 * @param own The caller's own hook.
 */
export function importHook(own: unknown, root?: string): Hook {
  const hook: Hook = function (this: unknown, place, parent, written, options) {
    const inherited = root === undefined ? importHook(own, parent) : hook;
    options.wsdl_options = { ...options.wsdl_options, overrideImportLocation: inherited };
    return typeof own === 'function' ? own.call(this, place, parent, written, options) : place;
  };
  roots.set(hook, root);
  return hook;
}

/**
 * The origin that the caller named who has a document fetched; `undefined` where that cannot be told.
 *
 * @param options node-soap's `wsdl_options`, as they come with the document's request.
 */
export function originOfDocument(
  address: string,
  { overrideImportLocation: hook }: { overrideImportLocation?: unknown },
): string | undefined {
  if (typeof hook !== 'function' || !roots.has(hook)) return undefined;
  const root = roots.get(hook) ?? address;
  return isRemote(root) ? new URL(root).origin : nowhere;
}

/** The document for which one imports; `undefined` for what the caller asked for. */
const roots = new WeakMap<object, string | undefined>();

type Hook = (place: string, parent: string, written: string, options: { wsdl_options?: object }) => string;

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

function isRemote(uri: string): boolean {
  return /^https?:/i.test(uri);
}
