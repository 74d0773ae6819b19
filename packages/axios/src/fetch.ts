import type { ConnectIdentity } from '@clientcert/core';
import { checkFetchRuntime, connectsOtherwise, nodeUsesProxies } from '@clientcert/core/adapter';
import { type Agent, type Dispatcher, dispatchersOf } from './dispatchers.ts';
import { type AnyConfig, type Outgoing, own, refuse } from './outgoing.ts';

/**
 * Hands Node's fetch a dispatcher, which it asks for every hop of a redirect. A fetch or a dispatcher that the
 * caller brings is theirs, unless a rule decides for the host.
 *
 * @param isCertain Whether it is known to be sent so, which is refused where the runtime takes no dispatcher.
 * @see https://undici.nodejs.org/#/docs/api/Fetch
 */
export function applyToFetch(outgoing: Outgoing, identity: ConnectIdentity, isCertain: boolean): void {
  const config = outgoing.config as AnyConfig;
  const fetchOptions = own(config, 'fetchOptions');
  const env = own(config, 'env');
  const fetch = env && own(env, 'fetch');
  if (fetch && fetch !== globalThis.fetch) {
    refuse(outgoing, 'env.fetch');
    return;
  }
  const instead = "Leave out `adapter: 'fetch'`: axios' own for Node works here, or run this on Node.";
  if (isCertain) checkFetchRuntime("adapter: 'fetch'", ['bun', 'deno'], instead);
  const before = fetchOptions && (own(fetchOptions, 'dispatcher') as Dispatcher | undefined);
  const brought = callers in Object(before) ? (before as CallDispatcher)[callers] : before;
  const dispatcher = new CallDispatcher(outgoing, identity, brought);
  dispatcher.check();
  config.fetchOptions = { ...fetchOptions, dispatcher };
}

/** On ours, the caller's own of the call: a used config comes back with ours, also to another copy of this package. */
const callers: unique symbol = Symbol.for('clientcert.axios.dispatcher') as never;

/** Of one call: over https it goes on through an agent of the certificate that holds for the hop. */
class CallDispatcher implements Dispatcher {
  readonly [callers]: Dispatcher | undefined;
  readonly #outgoing: Outgoing;
  readonly #identity: ConnectIdentity;
  #from: URL | undefined;

  constructor(outgoing: Outgoing, identity: ConnectIdentity, brought: Dispatcher | undefined) {
    this[callers] = brought;
    this.#outgoing = outgoing;
    this.#identity = identity;
  }

  /** Asked by Node's fetch. */
  get isMockActive(): boolean | undefined {
    const base = this[callers] ?? globalDispatcher();
    return base && beneath(base).isMockActive;
  }

  /** Refuses at once what would be refused at the first hop, if it is there by then. */
  check(): void {
    const base = this[callers] ?? globalDispatcher();
    if (base && (this[callers] || !agentClassOf(base))) this.#refuse(base);
  }

  dispatch(options: { origin: string | URL; method?: string }, handler: unknown): boolean {
    const { credentials, check } = this.#outgoing;
    const { service, origin, proxy } = this.#identity;
    const to = new URL(options.origin);
    const base = this[callers] ?? globalDispatcher()!;
    const Agent = this[callers] ? undefined : agentClassOf(base);
    if (!Agent) {
      this.#refuse(base, to);
      return base.dispatch(options, handler);
    }
    const from = this.#from;
    if (from?.protocol === 'https:') {
      credentials.checkRedirect({ host: from.hostname, port: from.port, service, origin }, to);
    }
    this.#from = to;
    check?.(to, options.method ?? 'GET');
    const identity = { service, origin: origin && String(origin), proxy };
    const route = dispatchersOf(credentials, Agent).find(options.origin, identity, false);
    const way = route && (isWrapper(base) ? new base.constructor(route.pool) : route.pool);
    return (way ?? base).dispatch(options, handler);
  }

  /** The caller's own; one that answers itself, as in tests, connects to nobody. */
  #refuse(base: Dispatcher, to?: URL): void {
    if (beneath(base).isMockActive) return;
    if (to) this.#outgoing.credentials.checkPlain(this.#outgoing, to);
    refuse(this.#outgoing, this[callers] ? 'fetchOptions.dispatcher' : 'global dispatcher', to);
  }
}

/** The dispatcher of Node's own fetch: there once fetch was used, or where somebody set one. */
function globalDispatcher(): Dispatcher | undefined {
  return dispatcherOf(Number.parseInt(process.versions.undici ?? '', 10) >= 8 ? 2 : 1);
}

function dispatcherOf(generation: 1 | 2): Dispatcher | undefined {
  const known = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  return known[Symbol.for(`undici.globalDispatcher.${generation}`)];
}

/** undici 8, once it is loaded, stands in front of its own global dispatcher for the older fetch of Node 22 and 24. */
function beneath(base: Dispatcher): Dispatcher {
  return (isWrapper(base) && base === dispatcherOf(1) && dispatcherOf(2)) || base;
}

/** What takes the handlers of older versions for a dispatcher that takes newer ones alone. */
function isWrapper(base: Dispatcher): base is Wrapper {
  return base.constructor?.name === 'Dispatcher1Wrapper'; // one of the caller's may have none
}

interface Wrapper extends Dispatcher {
  readonly constructor: new (dispatcher: Dispatcher) => Dispatcher;
}

/**
 * The one undici Agent that fits Node's fetch on every Node: the class of its dispatcher, or of the Agent in it
 * where Node goes through proxies.
 */
function agentClassOf(global: Dispatcher): Agent | undefined {
  const base = beneath(global);
  if (base.constructor.name === 'Agent')
    return connectsOtherwise(base) ? undefined : (base.constructor as Agent);
  if (base.constructor.name !== 'EnvHttpProxyAgent' || !nodeUsesProxies()) return undefined;
  const parts = Object.getOwnPropertySymbols(base).map(
    (key) => (base as unknown as Record<symbol, unknown>)[key],
  );
  return parts.find((part) => part?.constructor.name === 'Agent')?.constructor as Agent | undefined;
}
