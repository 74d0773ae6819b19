import type { HandshakeFailure, LastHandshakes, Observer } from '../agent/handshake.ts';
import { carryDiagnosis } from '../diagnose/diagnose.ts';
import { explainOtherPort } from '../pin/explain.ts';
import { formatHost } from '../pin/host.ts';
import { factsOfCertificate } from './certificate-info.ts';
import type { CurrentInventory } from './current-inventory.ts';
import type { Events } from './events.ts';
import { type Inventory, namedBy } from './inventory.ts';

/** What every connection tells, and what comes of it: events, a diagnosis on its error, the end of a trial. */
export function observerOf(
  current: CurrentInventory,
  events: Events,
  handshakes: LastHandshakes,
  refused: (failure: HandshakeFailure) => void,
): Observer {
  const { probation } = current;
  return {
    handshake: (handshake, answered) => {
      handshakes.set(handshake, answered);
      events.emit('handshake', handshake);
    },
    failure: (failure) => {
      const hint = adviseOn(failure, current.inventory);
      events.emit('failure', hint === undefined ? failure : { ...failure, hint });
      if (hint !== undefined) {
        const { host, port } = failure;
        const message = `the connection to ${formatHost(host, port)} was refused, without a certificate: ${hint}`;
        events.emit('warning', { code: 'PINNED_ELSEWHERE', message });
      }
    },
    refused,
    explain: (error, { host, port, resolution, proxy, ...seen }) =>
      carryDiagnosis(error, () => {
        const { table, certificates } = current.inventory;
        return {
          place: formatHost(host, port),
          secure: true,
          rule: resolution.rule,
          otherPort: explainOtherPort(table, host, port),
          server: resolution.server ?? undefined,
          certificate: factsOfCertificate(namedBy(resolution, certificates)),
          tls: resolution.tls,
          proxy,
          connection: { failed: true, ...seen },
        };
      }),
    awaits: (presented) => probation.awaits(presented),
    accepted: (presented) => probation.accepted(presented),
  };
}

/** What is known of a server that refused a connection that no rule names. */
function adviseOn({ alert, rule, host, port }: HandshakeFailure, { table }: Inventory): string | undefined {
  if (alert === null || rule !== 'none') return undefined;
  return explainOtherPort(table, host, port);
}
