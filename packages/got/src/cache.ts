import { ClientCertificateError } from '@clientcert/core';

/** What got takes as a cache: a Map, a Keyv, or whatever else has these. */
interface Store {
  get(key: string): unknown;
  set(key: string, value: unknown, ttl?: number): unknown;
  delete(key: string): unknown;
  clear(): unknown;
}

/**
 * got's cache knows an answer by its URL alone. Where a certificate is presented its fingerprint goes before
 * the key, so that none is given the answers of another; where none is, the cache is as it was.
 */
export function separate(cache: unknown, fingerprint: string | null): unknown {
  if (typeof cache === 'string') {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_CONFIG_INVALID',
      'cache: an address cannot be kept apart by certificate',
      { hint: 'Pass the store itself: a Map, or a Keyv.' },
    );
  }
  const store = originals.get(cache as Store) ?? (cache as Store);
  if (fingerprint === null) return store;
  const known = separated.get(store) ?? new Map<string, Store>();
  separated.set(store, known);
  let own = known.get(fingerprint);
  if (!own) {
    own = prefix(store, fingerprint);
    known.set(fingerprint, own);
    originals.set(own, store);
  }
  return own;
}

/** got keeps a cache by identity: one for each store and certificate. */
const separated = new WeakMap<Store, Map<string, Store>>();
const originals = new WeakMap<Store, Store>();

function prefix(store: Store, fingerprint: string): Store {
  const name = (key: string) => `${fingerprint}:${key}`;
  return {
    get: (key) => store.get(name(key)),
    set: (key, value, ttl) => store.set(name(key), value, ttl),
    delete: (key) => store.delete(name(key)),
    clear: () => store.clear(),
  };
}
