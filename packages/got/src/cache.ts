import { ClientCertificateError } from '@clientcert/core';
import { agentPresents } from '@clientcert/core/adapter';

/** What got takes as a cache: a Map, a Keyv, or whatever else has these. */
interface Store {
  get(key: string): unknown;
  set(key: string, value: unknown, ttl?: number): unknown;
  delete(key: string): unknown;
  /** got refuses what has none. */
  clear?(): unknown;
}

/**
 * got's cache knows an answer by its URL alone. Where a certificate is presented its fingerprint, or the
 * name of the agent that presents it, goes before the key, so that none is given the answers of another; where
 * none is, the cache is as it was.
 */
export function separate(cache: unknown, name: string | null): unknown {
  if (typeof cache === 'string') {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_CONFIG_INVALID',
      'cache: an address cannot be kept apart by certificate',
      { hint: 'Pass the store itself: a Map, or a Keyv.' },
    );
  }
  const missing = (['get', 'set', 'delete'] as const).find(
    (name) => typeof (cache as Store)[name] !== 'function',
  );
  if (missing) {
    throw new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', `cache: it has no ${missing}()`, {
      hint: 'Pass a Map, or a Keyv.',
    });
  }
  const store = (cache as Separated)[original] ?? (cache as Store);
  if (name === null) return store;
  const known = separated.get(store) ?? new Map<string, Store>();
  separated.set(store, known);
  let own = known.get(name);
  if (!own) {
    own = prefix(store, name);
    known.set(name, own);
  }
  return own;
}

/**
 * A name for what an agent presents that nobody but it knows, with a certificate of its caller's too: no other agent, in any
 * process, has the same, nor has this one where it presents another certificate by now.
 */
export function nameOf(agent: object, { host, port }: Place): string {
  const known = names.get(agent) ?? crypto.randomUUID();
  names.set(agent, known);
  return `${known} ${(agent as Presenting)[agentPresents](host, port)}`;
}

interface Place {
  readonly host: string;
  readonly port?: number | string | undefined;
}
interface Presenting {
  [agentPresents](host: string, port: Place['port']): string | null;
}

const names = new WeakMap<object, string>();

/** got keeps a cache by identity: one for each store and certificate. */
const separated = new WeakMap<Store, Map<string, Store>>();

/** On what is kept apart, the store itself; registered, as it comes to another copy of this package too. */
const original: unique symbol = Symbol.for('clientcert.got.store') as never;

interface Separated extends Store {
  [original]?: Store;
}

function prefix(store: Store, name: string): Separated {
  const own = (key: string) => `${name}:${key}`;
  return {
    // Behind an accessor, of which nothing is printed.
    get [original]() {
      return store;
    },
    get: (key) => store.get(own(key)),
    set: (key, value, ttl) => store.set(own(key), value, ttl),
    delete: (key) => store.delete(own(key)),
    ...(typeof store.clear === 'function' && { clear: () => store.clear!() }),
  };
}
