import { describeValue } from '../tls/digest.ts';
import { type CallerOptions, type CallerTls, describeOwn, withoutOwn } from './caller-options.ts';
import type { TunnelProxy } from './tunnel.ts';

/**
 * The name of the pool that a connection belongs to: Node's own, the profile's id, the proxy, and what the caller
 * says of TLS, which Node leaves out in part, and puts there as text: bytes that look alike, and keys.
 */
export function poolName(
  nodeName: (options: CallerOptions) => string,
  options: CallerOptions,
  profileId: string,
  proxy: TunnelProxy | null,
  own: CallerTls | undefined,
): string {
  return `${nodeName(withoutOwn(options, own))}:${profileId}${wayOf(proxy)}${describeOwn(own)}`;
}

/** What makes two proxies the same, empty for none; digested, because a URL may carry a password. */
export function wayOf(proxy: TunnelProxy | null): string {
  if (!proxy) return '';
  const { url, authorization, profile } = proxy;
  return `:proxy=${describeValue([url.href, authorization, profile?.contexts.id])}`;
}
