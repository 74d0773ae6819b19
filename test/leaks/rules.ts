import type { Config, HostPin, ServicePin } from '@clientcert/core';

/** A call as its caller made it. */
export interface Call {
  readonly url: string;
  readonly service: string | false | undefined;
}

/**
 * Whose certificate a server may see on one hop of a call, `null` for nobody's.
 *
 * Written from docs/reference/config.md ("Which rule wins"), and with nothing of core: one pattern after another, as a
 * person would read them.
 */
export function whoGoes(config: Config, { url, service }: Call, hop: string): string | null {
  const { protocol, hostname, port, origin } = new URL(hop);
  if (protocol !== 'https:' || service === false) return null;
  const place = { host: hostname, port: port === '' ? 443 : Number(port) };
  const host = mostSpecific(Object.entries(config.hosts ?? {}), place);
  const byHost = host ? certificateOf(host.pin) : certificateOf(config.default);
  if (service === undefined) return byHost || null;
  const pin = config.services![service]!;
  const listed = typeof pin === 'object' ? pin.hosts : undefined;
  const own = certificateOf(pin);
  if (listed === undefined) {
    // At the origin that the call itself names, and not where a rule says `false`.
    const applies = new URL(url).origin === origin && byHost !== false;
    return (applies ? (own ?? byHost) : byHost) || null;
  }
  const found = mostSpecific(
    listed.map((pattern) => [pattern, pin] as const),
    place,
  );
  // A host that says `false` is not reached by a wildcard that is less specific.
  const applies = found !== undefined && !(byHost === false && host !== undefined && host.rank < found.rank);
  return (applies ? (own ?? byHost) : byHost) || null;
}

/** Whether a redirect to `http:` is followed after this hop: not after a certificate, unless its rule allows it. */
export function mayDowngrade(config: Config, call: Call, hop: string): boolean {
  if (whoGoes(config, call, hop) === null) return true;
  const { hostname, port } = new URL(hop);
  const rule = mostSpecific(Object.entries(config.hosts ?? {}), { host: hostname, port: Number(port) })?.pin;
  return typeof rule === 'object' && rule.allowDowngrade === true;
}

interface Found<Pin> {
  readonly pin: Pin;
  /** Exact host and port, exact host, wildcard and port, wildcard: 1 to 4. */
  readonly rank: number;
}

function mostSpecific<Pin>(
  patterns: readonly (readonly [string, Pin])[],
  { host, port }: { host: string; port: number },
): Found<Pin> | undefined {
  let best: Found<Pin> | undefined;
  for (const [pattern, pin] of patterns) {
    const [name = '', written] = pattern.split(':');
    // `false` without a port means every port.
    const every = written === '*' || (written === undefined && pin === (false as unknown));
    if (!every && Number(written ?? 443) !== port) continue;
    const wildcard = name.startsWith('*.');
    if (wildcard ? host.slice(host.indexOf('.')) !== name.slice(1) : host !== name) continue;
    const rank = (wildcard ? 3 : 1) + (every ? 1 : 0);
    if (best === undefined || rank < best.rank) best = { pin, rank };
  }
  return best;
}

/** `false` where none is ever presented, `undefined` where nothing is said. */
function certificateOf(pin: HostPin | ServicePin | undefined): string | false | undefined {
  return typeof pin === 'object' ? pin.certificate : pin;
}
