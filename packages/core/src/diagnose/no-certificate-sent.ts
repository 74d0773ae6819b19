import { type Confidence, type PossibleCause, possible } from './causes.ts';
import type { Facts } from './facts.ts';

export const noneSent: PossibleCause = possible('NO_CLIENT_CERTIFICATE_SENT', 'likely');

/** Why no certificate went out, where that is known. */
export function sentNone(known: Facts | undefined): PossibleCause | undefined {
  if (!known) return undefined;
  const { certificate, connection, rule, place, secure } = known;
  const because = (reason: string, confidence: Confidence = 'certain') =>
    possible('NO_CLIENT_CERTIFICATE_SENT', confidence, reason);
  if (!secure) return because(`${place} is called over plain HTTP`);
  // Where no rule names the host, a caller may have brought one of their own.
  if (!certificate && rule === 'none') {
    return because(`no rule names ${place}`, connection?.failed ? 'certain' : 'likely');
  }
  if (!certificate) return because(`${rule} presents none`);
  if (!connection || connection.presented) return undefined;
  // Over TLS 1.2 a server may ask again, later.
  if (connection.requested === false) {
    return connection.protocol === 'TLSv1.3'
      ? because(
          'whoever answered did not ask for one in the handshake: another port, or something in between that ends TLS',
          'likely',
        )
      : undefined;
  }
  if (connection.requested === null) return undefined;
  return because(
    `the server takes no signature that certificate "${certificate.name}" can make, so an empty one was sent`,
  );
}

/** HAProxy with `ssl_fc_has_crt`, and whoever looks at the handshake alone. */
export const resumed =
  'the connection resumed a TLS session, in which no certificate is presented again, and some servers then see none: `resume: false` on the rule makes every handshake whole';
