import { Agent } from 'node:https';
import { describeValue } from '../tls/digest.ts';
import { type CallerOptions, type CallerTls, describeOwn, spoken, withoutOwn } from './caller-options.ts';
import type { TunnelProxy } from './tunnel.ts';

/**
 * The name of the pool that a connection belongs to: Node's own, the profile's id, the proxy, and what the caller
 * says of TLS, which Node leaves out in part, and puts there as text: bytes that look alike, and keys.
 */
function poolName(
  nodeName: (options: CallerOptions) => string,
  options: CallerOptions,
  profileId: string,
  proxy: TunnelProxy | null,
  own: CallerTls | undefined,
): string {
  return `${nodeName(withoutOwn(options, own))}:${profileId}${wayOf(proxy)}${describeOwn(own)}`;
}

/**
 * Names pools, and keeps the last name for the requests that follow, most of which go to the same pool: Node looks a pool up
 * by its name several times a request, and hashes a text that it has not seen.
 */
export class PoolNames {
  #last: { profileId: string; values: unknown[]; name: string } | undefined;

  nameOf(...[nodeName, options, profileId, proxy, own]: Parameters<typeof poolName>): string {
    if (proxy || own) return poolName(nodeName, options, profileId, proxy, own);
    const last = this.#last;
    const named = namedBy();
    if (last?.profileId === profileId && last.values.every((value, at) => value === options[named[at]!]))
      return last.name;
    const name = poolName(nodeName, options, profileId, proxy, own);
    this.#last = { profileId, values: named.map((each) => options[each]), name };
    return name;
  }
}

/** The options that Node names a pool by beside those of TLS, as this version of it says: the next may know more. */
function namedBy(): readonly string[] {
  if (named) return named;
  const names = new Set<string>();
  const read = new Proxy({}, { get: (_, name) => void names.add(name as string) });
  Agent.prototype.getName(read);
  named = [...names].filter((name) => !spoken.includes(name));
  return named;
}

let named: readonly string[] | undefined;

/** What makes two proxies the same, empty for none; digested, because a URL may carry a password. */
export function wayOf(proxy: TunnelProxy | null): string {
  if (!proxy) return '';
  const { url, authorization, profile } = proxy;
  return `:proxy=${describeValue([url.href, authorization, profile?.contexts.id])}`;
}
