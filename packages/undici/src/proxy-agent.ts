import { ClientCertificateError } from '@clientcert/core';
import { type AdapterView, nodeUsesProxies, written } from '@clientcert/core/adapter';
import * as undici from 'undici';
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

const globalOf = (generation: 1 | 2): unknown =>
  (globalThis as Record<symbol, unknown>)[Symbol.for(`undici.globalDispatcher.${generation}`)];

/** What is beneath those wrappers that were the global dispatcher once. */
const wrapped = new WeakMap<object, undici.Dispatcher>();

/**
 * undici 8, in Node 26 too, gives older copies of undici a global dispatcher that passes all on to its own and shows
 * nothing of it. A test sets it aside, and back.
 */
function beneath(base: undici.Dispatcher): undici.Dispatcher {
  if (base.constructor?.name !== 'Dispatcher1Wrapper') return base;
  const own = globalOf(2) as undici.Dispatcher | undefined;
  if (base === globalOf(1) && own && own.constructor?.name !== 'Dispatcher1Wrapper') wrapped.set(base, own);
  return wrapped.get(base) ?? base;
}

const current = globalOf(1) as undici.Dispatcher | undefined;
if (current) beneath(current);

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

const { Agent, BalancedPool, Client, Pool } = undici;
const direct = [Agent, Pool, Client, BalancedPool] as const;

/**
 * Only what is known to connect by itself is taken to: classes by their names, because another copy of undici, such
 * as the one in Node, has others of the same name.
 */
function isDirect(base: undici.Dispatcher): boolean {
  const names = classesOf(base);
  if (isOfNode(base, names)) return true;
  if (names.some((name) => /Proxy/i.test(name))) return false;
  if (direct.some((kind) => base instanceof kind)) return true;
  return names.some((name) =>
    /^(Agent|Pool|Client|BalancedPool|RoundRobinPool|CertificateDispatcher)$/.test(name),
  );
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
