import { type PossibleCause, possible } from './causes.ts';
import { expired, issuerOf, notTrusted, reasonsIn, wrongPurpose } from './certificate-faults.ts';
import type { ConnectionFacts, Facts } from './facts.ts';
import { isNamed } from './named-issuers.ts';
import { noneSent, resumed, sentNone } from './no-certificate-sent.ts';
import type { Observation } from './observation.ts';

interface Case {
  readonly seen: Observation;
  readonly known: Facts | undefined;
  readonly now: Date;
}

/** Where what is known on this side says more than the symptom alone. */
export const refinements: Readonly<Record<string, (each: Case) => PossibleCause[] | undefined>> = {
  'alert-40': noneOrNothingInCommon,
  'alert-50': ({ known }) => {
    if (known?.connection?.failed && known.connection.presented) {
      return [possible('CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED', 'guess', presentedBy(known))];
    }
    return [{ ...(sentNone(known) ?? noneSent), confidence: 'likely' }];
  },
  'alert-116': ({ known }) => [sentNone(known) ?? noneSent],
  'alert-42': (each) => refused(each, true),
  'alert-46': (each) => refusedUntold(each),
  'alert-49': (each) => refused(each),
  'alert-43': ({ known }) => [wrongPurpose(known) ?? possible('CLIENT_CERTIFICATE_WRONG_PURPOSE', 'certain')],
  'alert-45': ({ known, now }) => {
    const late = expired(known?.certificate, now);
    if (late) return [late];
    const inOrder =
      'here every certificate that is sent is within its dates: look at the clock of the server';
    return [possible('CLIENT_CERTIFICATE_EXPIRED', 'likely', ...(known?.certificate ? [inOrder] : []))];
  },
  'alert-48': ({ known }) => notTrusted(known),
  'the-ssl-certificate-error': (each) => {
    const [first, ...others] = refusedUntold(each).filter(
      ({ code }) => code !== 'CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED',
    );
    // nginx says of a certificate that came that it is refused, and for every reason the same.
    const refusedAnyhow = possible('CLIENT_CERTIFICATE_REFUSED', 'likely');
    if (first?.confidence === 'likely') return [first, { ...refusedAnyhow, confidence: 'guess' }, ...others];
    return [refusedAnyhow, ...(first ? [first] : []), ...others].filter(
      ({ code }) => code !== 'NO_CLIENT_CERTIFICATE_SENT',
    );
  },
  'no-required-ssl-certificate-was-sent': ({ known }) => {
    const { connection } = known ?? {};
    if (known?.certificate && connection?.presented) {
      const evidence = connection.resumed ? resumed : notHandedOn;
      return [{ ...noneSent, confidence: 'certain', evidence: [evidence] }];
    }
    return [{ ...(sentNone(known) ?? noneSent), confidence: 'certain' }];
  },
  'socket-hang-up': closedAfterwards,
  'client-network-socket-disconnected': closedDuring,
  'cannot-perform-post-handshake-authentication': askedLater,
  'no-client-certificate-chain': ({ known }) => chainMissed(known),
  'request-entity-too-large': ({ known }) =>
    known?.certificate && known.connection?.requested === false
      ? [
          possible(
            'BODY_TOO_LARGE_FOR_RENEGOTIATION',
            'likely',
            'the server did not ask for a certificate in the handshake',
          ),
        ]
      : [possible('BODY_TOO_LARGE_FOR_RENEGOTIATION', 'guess', 'it may be an ordinary limit of the server')],
  'haproxy-403': ({ known }) => {
    const sent = sentNone(known);
    if (sent) return [{ ...sent, confidence: 'likely' }];
    return known?.connection?.resumed ? [{ ...noneSent, evidence: [resumed] }] : undefined;
  },
  'wso2-900901': ({ known }) => byGateway(known, 'it may not have been added to this API'),
  'axway-fault': ({ known }) => byGateway(known, 'the gateway may know no application for it'),
  'iis-403': ({ seen }) => {
    const [, status = ''] = /\b403\.(\d+)\b/.exec(`${seen.answer?.body ?? ''} ${seen.text}`) ?? [];
    const meaning = iis[status];
    return [possible('IIS_SUBSTATUS', 'certain', ...(meaning ? [`403.${status}: ${meaning}`] : []))];
  },
  'unable-to-get-local-issuer-certificate': ({ seen }) => {
    // With its root sent along, or alone, nothing is missing.
    const whole = ['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'];
    return [
      whole.some((code) => seen.codes.includes(code))
        ? possible('SERVER_CA_UNKNOWN', 'certain', 'the server sent a self-signed certificate')
        : possible('SERVER_CA_UNKNOWN', 'likely'),
    ];
  },
};

/** https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/iis/www-administration-management/http-status-code */
const iis: Readonly<Record<string, string>> = {
  7: 'it got no certificate',
  12: 'no user is mapped to the certificate',
  13: 'the certificate is revoked, or the list of those that are was not to be had',
  16: 'it does not trust the issuer, or finds the certificate broken',
  17: 'the certificate has expired, or is not valid yet',
};

/** A gateway that says no in the same words to many things: what it may be where it got a certificate, and where none. */
function byGateway(known: Facts | undefined, unknownThere: string): PossibleCause[] | undefined {
  const sent = sentNone(known);
  if (sent) return [{ ...sent, confidence: 'likely' }, possible('CLIENT_CERTIFICATE_REFUSED', 'guess')];
  if (!known?.connection?.presented) return undefined;
  return [possible('CLIENT_CERTIFICATE_REFUSED', 'guess', `${presentedBy(known)}: ${unknownThere}`)];
}

function presentedBy({ certificate }: Facts): string {
  return `certificate "${certificate?.name}" was presented`;
}

/** Both "no certificate" and "nothing in common" are alert 40. */
function noneOrNothingInCommon({ seen, known, now }: Case): PossibleCause[] {
  const { connection = null } = known ?? {};
  const nothing = possible('NO_COMMON_TLS_PARAMETERS', 'guess');
  const sent = sentNone(known);
  if (connection?.failed && seen.inHandshake && endedUnasked(connection)) {
    const evidence = 'the handshake ended before the server asked for a certificate';
    return [possible('NO_COMMON_TLS_PARAMETERS', 'likely', evidence), { ...noneSent, confidence: 'guess' }];
  }
  if (connection?.failed && connection.presented) {
    const [first, ...others] = refused({ seen, known, now });
    return [first!, ...others, nothing];
  }
  if (sent && connection?.failed && connection.requested) return [sent];
  return [{ ...(sent ?? noneSent), confidence: 'likely' }, nothing];
}

/**
 * A refusal without a reason, as Java and GnuTLS send it for every one, and OpenSSL for a few.
 *
 * @param orNone Whether servers say the same when they got none.
 */
function refused(
  { known, now }: Omit<Case, 'seen'> & { seen?: Observation },
  orNone = false,
): PossibleCause[] {
  const certificate = known?.certificate;
  const sent = sentNone(known);
  if (sent) return [sent];
  const unspecified = possible('CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED', known ? 'likely' : 'guess');
  if (!certificate) return [unspecified, ...(orNone ? [{ ...noneSent, confidence: 'guess' as const }] : [])];
  const reasons = reasonsIn(known, now, orNone);
  if (reasons.length > 0) return reasons;
  const inOrder = `here certificate "${certificate.name}" is within its dates, for clients, and strong enough`;
  const untrusted = notTrusted(known).map((each) => ({ ...each, confidence: 'guess' as const }));
  const revoked = possible('CLIENT_CERTIFICATE_REVOKED', 'guess');
  if (!isNamed(known)) return [{ ...unspecified, evidence: [inOrder] }, ...untrusted, revoked];
  const evidence = [inOrder, 'the server names its issuer among those that it takes'];
  return [{ ...unspecified, evidence }, revoked, ...untrusted];
}

/**
 * The same, of servers that refuse so what TLS itself finds wrong, and nothing else. Where they know the issuer, and
 * nothing is wrong that shows here, it is likely what does not show.
 */
function refusedUntold(each: Case): PossibleCause[] {
  const [first, second, ...others] = refused(each);
  if (second?.code !== 'CLIENT_CERTIFICATE_REVOKED') return [first!, ...(second ? [second] : []), ...others];
  return [
    { ...second, confidence: 'likely', evidence: first!.evidence },
    { ...first!, confidence: 'guess', evidence: [] },
    ...others,
  ];
}

/** The connection ended without a word after the handshake, which over TLS 1.3 is also how some servers refuse. */
function closedAfterwards({ known, now }: Case): PossibleCause[] | undefined {
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
function closedDuring({ known, now }: Case): PossibleCause[] | undefined {
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
function endedUnasked({ requested, protocol }: ConnectionFacts): boolean {
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

/** A bare 403 or 401 to who has a certificate: over TLS 1.3 Node cannot be asked after the handshake. */
function askedLater({ seen, known }: Case): PossibleCause[] {
  if (seen.answer?.body.includes('Cannot perform Post-Handshake Authentication')) {
    return [possible('SERVER_WANTED_POST_HANDSHAKE_AUTH', 'certain')];
  }
  const { certificate, connection } = known ?? {};
  if (!certificate || !connection) return [unknown];
  if (connection.requested === false && connection.protocol === 'TLSv1.3') {
    const evidence = 'over TLS 1.3 the server did not ask for a certificate in the handshake';
    return [possible('SERVER_WANTED_POST_HANDSHAKE_AUTH', 'likely', evidence)];
  }
  return connection.resumed ? [possible('NO_CLIENT_CERTIFICATE_SENT', 'guess', resumed)] : [unknown];
}

/** Tomcat asks who has shown no certificate in the handshake for it later, and says nothing else where that fails. */
function chainMissed(known: Facts | undefined): PossibleCause[] | undefined {
  const { certificate, connection } = known ?? {};
  const sent = sentNone(known);
  if (!certificate || !connection) return sent && [sent];
  if (connection.presented) return [{ ...noneSent, evidence: [notHandedOn] }];
  if (connection.protocol === 'TLSv1.3' && connection.requested === false) {
    const evidence = 'over TLS 1.3 the server did not ask for a certificate in the handshake';
    const later = possible('SERVER_WANTED_POST_HANDSHAKE_AUTH', 'likely', evidence);
    return sent ? [later, { ...sent, confidence: 'guess' }] : [later];
  }
  if (connection.protocol !== 'TLSv1.2') return undefined;
  const evidence = 'over TLS 1.2 and HTTP/1.1 it would have asked for the certificate';
  return [
    possible('SERVER_WANTS_RENEGOTIATION_HTTP1_ONLY', 'likely', evidence),
    { ...noneSent, confidence: 'guess' },
  ];
}

const notHandedOn =
  'one was presented in the handshake: something between here and the server may have ended TLS, and not have handed it on';

const unknown = possible('UNKNOWN', 'guess');
