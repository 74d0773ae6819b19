import type { IWSDLCache, WSDL } from 'soap';
import type { Identity } from './call.ts';

/**
 * The WSDLs of one identity, in place of node-soap's cache, which knows one for each address, whoever fetched it.
 * node-soap asks it by the address that its caller named, so it also knows which addresses were named and which
 * are merely imported.
 */
export class Documents implements IWSDLCache {
  readonly #store: IWSDLCache | undefined;
  readonly #named = new Set<string>();
  #asked = false;

  /** @param store Where they are kept; with `undefined`, nowhere. */
  constructor(store: IWSDLCache | undefined) {
    this.#store = store;
  }

  has(address: string): boolean {
    this.#asked = true;
    if (/^https?:/i.test(address) && URL.canParse(address)) this.#named.add(new URL(address).origin);
    return this.#store?.has(address) ?? false;
  }

  get(address: string): WSDL {
    return this.#store!.get(address);
  }

  set(address: string, wsdl: WSDL): void {
    this.#store?.set(address, wsdl);
  }

  /** The origin named by the caller who has a document fetched; `undefined` where node-soap did not ask here. */
  originOf(address: string): string | undefined {
    const { origin } = new URL(address);
    if (this.#named.has(origin)) return origin;
    return this.#asked ? nowhere : undefined;
  }
}

/** The documents that were fetched with the same credentials as the same service. */
export function sharedDocuments({ credentials, service }: Identity): Documents {
  const services = shared.get(credentials) ?? new Map<Identity['service'], Documents>();
  const documents = services.get(service) ?? new Documents(new Map());
  shared.set(credentials, services.set(service, documents));
  return documents;
}

const shared = new WeakMap<object, Map<Identity['service'], Documents>>();

/** RFC 6761, section 6.4: no host is called so. */
const nowhere = 'https://imported.invalid';
