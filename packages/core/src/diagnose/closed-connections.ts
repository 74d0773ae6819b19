import { type PossibleCause, possible } from './causes.ts';
import { issuerOf, reasonsIn } from './certificate-faults.ts';
import type { ConnectionFacts, Facts } from './facts.ts';
import { isNamed } from './named-issuers.ts';
import { noneSent, sentNone } from './no-certificate-sent.ts';
import type { Case } from './observation.ts';

/** The connection ended without a word after the handshake, which over TLS 1.3 is also how some servers refuse. */
export function closedAfterwards({ known, now }: Case): PossibleCause[] | undefined {
  if (!known) return undefined;
  const { certificate, connection, place, secure } = known;
  const dropped = possible('CONNECTION_DROPPED', 'guess');
  if (!secure) {
    return [possible('HTTP_ON_TLS_PORT', 'guess', `${place} is called over plain HTTP`), dropped];
  }
  if (connection?.requested === false) {
    return [possible('CONNECTION_DROPPED', 'likely', 'the server did not ask for a certificate')];
  }
  if (connection?.answered) {
    return [possible('CONNECTION_DROPPED', 'likely', 'the server had answered on the connection before')];
  }
  const isFresh = connection?.requested === true && !connection.resumed && connection.protocol === 'TLSv1.3';
  if (!isFresh) {
    const refused = possible('CLIENT_CERTIFICATE_PROBABLY_REFUSED', 'guess');
    const other = certificate ? refused : { ...noneSent, confidence: 'guess' as const };
    const fault = becauseOfFault(known, now, refused);
    return fault ? [...fault, dropped] : [dropped, other];
  }
  const sent = sentNone(known);
  if (sent) return [{ ...sent, confidence: 'likely' }, dropped];
  const probably = possible(
    'CLIENT_CERTIFICATE_PROBABLY_REFUSED',
    'likely',
    'the server asked for a certificate, and ended the connection before any answer',
  );
  return [...becauseOf(known, now, probably), dropped];
}

/** The connection ended in the handshake. */
export function closedDuring({ known, now }: Case): PossibleCause[] | undefined {
  if (!known) return undefined;
  const { certificate, connection } = known;
  const early = possible('SERVER_CLOSED_BEFORE_ITS_FLIGHT', 'guess');
  if (!connection?.failed) {
    const silently = possible('CLIENT_CERTIFICATE_REFUSED_SILENTLY', 'guess');
    const fault = becauseOfFault(known, now, silently);
    return fault ? [...fault, early] : certificate ? [early, silently] : [early];
  }
  if (endedUnasked(connection)) {
    const evidence = 'the connection ended before the server asked for a certificate';
    return [possible('SERVER_CLOSED_BEFORE_ITS_FLIGHT', 'likely', evidence)];
  }
  const sent = sentNone(known);
  if (sent) return [{ ...sent, confidence: 'likely' }, early];
  if (!certificate) return [{ ...noneSent, confidence: 'likely' }, early];
  const silently = connection.requested
    ? possible(
        'CLIENT_CERTIFICATE_REFUSED_SILENTLY',
        'likely',
        'the server asked for a certificate, and ended the handshake once it had it',
      )
    : possible(
        'CLIENT_CERTIFICATE_REFUSED_SILENTLY',
        'guess',
        'the server ended the handshake after its part of it; below TLS 1.2 Node does not tell whether it asked for a certificate',
      );
  return [...becauseOf(known, now, silently), early];
}

/** Below TLS 1.2 nothing is known of what the server asks; that there is a version means that it has said all. */
export function endedUnasked({ requested, protocol }: ConnectionFacts): boolean {
  return requested === false || (requested === null && protocol === null);
}

/** A silent refusal, with what is wrong with the certificate before it where that can be seen. */
function becauseOf(known: Facts, now: Date, silent: PossibleCause): PossibleCause[] {
  const [reason, ...others] = reasonsIn(known, now);
  if (!reason) {
    const untrusted = possible('ISSUER_NOT_TRUSTED_BY_SERVER', 'guess', ...issuerOf(known.certificate));
    const revoked = possible('CLIENT_CERTIFICATE_REVOKED', 'guess');
    return [silent, ...(isNamed(known) ? [revoked, untrusted] : [untrusted, revoked])];
  }
  return [
    { ...reason, evidence: [...silent.evidence, ...reason.evidence] },
    { ...silent, confidence: 'guess' },
    ...others,
  ];
}

/** The same where nothing is known of the connection, and the server is known to ask, and something shows. */
function becauseOfFault(known: Facts, now: Date, silent: PossibleCause): PossibleCause[] | undefined {
  if (known.connection || isNamed(known) === undefined || reasonsIn(known, now).length === 0)
    return undefined;
  return becauseOf(known, now, { ...silent, evidence: ['the server asks for a certificate'] });
}
