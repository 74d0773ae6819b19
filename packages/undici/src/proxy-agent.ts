import { ClientCertificateError } from '@clientcert/core';
import { type AdapterView, connectsOtherwise, nodeUsesProxies, written } from '@clientcert/core/adapter';
import * as undici from 'undici';
import { globalDispatcher, wrapped } from './global-dispatcher.ts';
import type { PoolOptions, Route } from './pool-options.ts';

/** Whether a dispatcher answers requests itself, as a `MockAgent` does in tests: all of them are left to it. By
 * what fetch itself looks at, which also holds for one of another copy of undici. */
export function answersItself(base: undici.Dispatcher | undefined): boolean {
  return base !== undefined && written(beneath(base) as { isMockActive?: boolean }, 'isMockActive') === true;
}

/**
 * Where the caller's dispatcher is a proxy's, pinned hosts must not go past it: undici shows nobody which
 * proxy that is, so it has to be said.
 *
 * @throws ERR_CLIENTCERT_PROXY_UNSUPPORTED
 */
export function checkProxy(
  base: undici.Dispatcher | undefined,
  { resolution }: Route,
  credentials: AdapterView,
  { proxy }: PoolOptions,
): void {
  if (base === undefined || proxy !== undefined || credentials.decidesProxy) return;
  const real = beneath(base);
  if (goesDirect(real)) return;
  const names = classesOf(real);
  const isProxy = names.some((name) => /Proxy/i.test(name));
  const url = names.includes('EnvHttpProxyAgent') ? '"env" for the environment’s' : 'its URL';
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    isProxy
      ? `${resolution.rule}: the dispatcher goes through a proxy that it does not name`
      : `${resolution.rule}: the dispatcher, of class ${names[0]}, does not show whether it goes through a proxy`,
    { hint: `Say which, as "proxy" of the config or of the options: ${url}, or false for none.` },
  );
}

/** By which a dispatcher of ours, also one of another copy of this package, shows the one for all other hosts. */
export const otherHosts: unique symbol = Symbol.for('clientcert.otherHosts') as never;

/**
 * Who connects, beneath those that pass on to others: dispatchers of ours, which hold other credentials; and in undici 8,
 * in Node 26 too, the global dispatcher for older copies of undici, which shows nothing of the one that it passes all on
 * to. A test sets that aside, and back.
 */
function beneath(base: undici.Dispatcher): undici.Dispatcher {
  const next = (base as { [otherHosts]?: undici.Dispatcher })[otherHosts];
  if (next) return beneath(next);
  if (!isWrapper(base)) return base;
  const own = globalDispatcher(2);
  if (base === globalDispatcher(1) && own && !isWrapper(own)) wrapped.set(base, own);
  const known = wrapped.get(base);
  return known && !isWrapper(known) ? beneath(known) : base;
}

/** Of the undici at hand, in which a bundler may have given it another name, or of another copy. */
function isWrapper(base: undici.Dispatcher): boolean {
  const { Dispatcher1Wrapper: known } = undici as { Dispatcher1Wrapper?: abstract new () => object };
  return (known && base instanceof known) || base.constructor?.name === 'Dispatcher1Wrapper';
}

/** Looked at for every request. */
const known = new WeakMap<undici.Dispatcher, boolean>();

function goesDirect(base: undici.Dispatcher): boolean {
  let direct = known.get(base);
  if (direct === undefined) {
    direct = isDirect(base);
    known.set(base, direct);
  }
  return direct;
}

/** Only what is known to connect by itself is taken to. */
function isDirect(base: undici.Dispatcher): boolean {
  const names = classesOf(base);
  if (isOfNode(base, names)) return true;
  return !names.some((name) => /Proxy/i.test(name)) && !connectsOtherwise(base, undici.Agent);
}

/** The one that Node brings where it goes through proxies: pinned hosts then go through these as well. */
function isOfNode(base: undici.Dispatcher, [name]: string[]): boolean {
  if (name !== 'EnvHttpProxyAgent' || base instanceof undici.EnvHttpProxyAgent) return false;
  return nodeUsesProxies();
}

function classesOf(base: object): string[] {
  const names: string[] = [];
  for (let each = Object.getPrototypeOf(base); each; each = Object.getPrototypeOf(each)) {
    if (typeof each.constructor === 'function') names.push(each.constructor.name);
  }
  return names;
}
