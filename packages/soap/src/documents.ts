import { adapterOf, type Loading, loadedOf } from '@clientcert/core/adapter';
import type { IWSDLCache, WSDL } from 'soap';
import type { Identity } from './call.ts';

/**
 * The documents of one identity, in place of node-soap's cache, which knows one for each address, whoever fetched it.
 *
 * @param sender What they are fetched with: a client of the caller's own may say as whom.
 */
export function documentsOf({ credentials, service, origin }: Identity, sender: object): IWSDLCache {
  const senders = documents.get(credentials) ?? new WeakMap<object, Map<string, IWSDLCache>>();
  const identities = senders.get(sender) ?? new Map<string, IWSDLCache>();
  const identity = JSON.stringify([service, origin]);
  const known = identities.get(identity) ?? new Documents(credentials);
  documents.set(credentials, senders.set(sender, identities.set(identity, known)));
  return known;
}

const documents = new WeakMap<object, WeakMap<object, Map<string, IWSDLCache>>>();

/** Each up to the next renewal or new config: it was for whoever was presented then. */
class Documents implements IWSDLCache {
  readonly #credentials: Loading;
  readonly #documents = new Map<string, { readonly wsdl: WSDL; readonly generation: number }>();
  /** Those that are waited for: since which generation, and by how many. */
  readonly #asked = new Map<string, { readonly generation: number; readonly at: number; open: number }>();

  constructor(credentials: Loading) {
    this.#credentials = credentials;
  }

  has(url: string): boolean {
    const generation = this.#generation();
    if (this.#documents.get(url)?.generation === generation) return true;
    const asked = this.#asked.get(url);
    // Of what fails nothing is heard.
    if (asked && Date.now() - asked.at < longestAnswer) asked.open += 1;
    else this.#asked.set(url, { generation, at: Date.now(), open: 1 });
    return false;
  }

  /** A moment after it was said to be there. */
  get(url: string): WSDL {
    return this.#documents.get(url)?.wsdl as WSDL;
  }

  /** Kept where no renewal came since the first question that is open: which of them this answers is not said. */
  set(url: string, wsdl: WSDL): void {
    const asked = this.#asked.get(url);
    if (asked === undefined) return;
    asked.open -= 1;
    if (asked.open === 0) this.#asked.delete(url);
    const { generation } = asked;
    if (generation === this.#generation()) this.#documents.set(url, { wsdl, generation });
  }

  /** While they are loading, that with which they begin. */
  #generation(): number {
    const ready = loadedOf(this.#credentials);
    return ready ? adapterOf(ready).generation : 1;
  }
}

/** Milliseconds; an answer that takes longer is none. */
const longestAnswer = 600_000;
