import { findProxy, nodeProxySetting } from '../agent/proxy.ts';
import type { Facts } from '../diagnose/facts.ts';
import { explainOtherPort } from '../pin/explain.ts';
import { formatHost } from '../pin/host.ts';
import { parseTarget } from '../pin/target.ts';
import { factsOfCertificate } from './certificate-info.ts';
import type { Decisions } from './decisions.ts';
import { namedBy } from './inventory.ts';
import type { Upkeep } from './upkeep.ts';

/** What is known of a call, for `diagnose`; `undefined` where it was to no host, or as a service that there is not. */
export function factsOfCall(
  decisions: Decisions,
  { handshakes }: Upkeep,
  url: URL,
  service?: string | false | undefined,
  origin?: string | undefined,
): Facts | undefined {
  try {
    const { host, port, secure } = parseTarget(url);
    const resolution = decisions.resolve(secure ? { host, port, service, origin } : url);
    const { certificates, proxy = nodeProxySetting() } = decisions.inventory;
    const way = findProxy(proxy, host, port)?.url;
    const last = secure ? handshakes.get(host, port) : undefined;
    return {
      place: formatHost(host, port),
      secure,
      rule: resolution.rule,
      otherPort: secure ? explainOtherPort(decisions.inventory.table, host, port) : undefined,
      server: resolution.server ?? undefined,
      certificate: factsOfCertificate(namedBy(resolution, certificates)),
      tls: resolution.tls,
      proxy: way ? `${way.protocol}//${way.host}` : null,
      // Of another rule it is another certificate's.
      connection:
        last?.handshake.rule === resolution.rule
          ? {
              failed: false,
              protocol: last.handshake.protocol,
              requested: last.handshake.requested,
              presented: last.handshake.presented !== null,
              resumed: last.handshake.resumed,
              answered: last.answered(),
            }
          : null,
    };
  } catch {
    return undefined;
  }
}
