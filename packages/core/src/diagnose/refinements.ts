import { type PossibleCause, possible } from './causes.ts';
import { expired, issuerOf, notTrusted, reasonsIn, wrongPurpose } from './certificate-faults.ts';
import type { CertificateFacts, Facts } from './facts.ts';
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
  'alert-46': (each) => refused(each),
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
    const [first, ...others] = refused(each).filter(
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
      const evidence = connection.resumed
        ? resumed
        : 'one was presented in the handshake: something between here and the server may have ended TLS, and not have handed it on';
      return [{ ...noneSent, confidence: 'certain', evidence: [evidence] }];
    }
    return [{ ...(sentNone(known) ?? noneSent), confidence: 'certain' }];
  },
  'socket-hang-up': closedAfterwards,
  'client-network-socket-disconnected': closedDuring,
  'cannot-perform-post-handshake-authentication': askedLater,
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

function presentedBy({ certificate }: Facts): string {
  return `certificate "${certificate?.name}" was presented`;
}

/** Both "no certificate" and "nothing in common" are alert 40. */
function noneOrNothingInCommon({ seen, known, now }: Case): PossibleCause[] {
  const { connection = null } = known ?? {};
  const nothing = possible('NO_COMMON_TLS_PARAMETERS', 'guess');
  const sent = sentNone(known);
  if (connection?.failed && seen.inHandshake && connection.requested !== true) {
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
  const reasons = reasonsIn(certificate, now, orNone);
  if (reasons.length > 0) return reasons;
  const inOrder = `here certificate "${certificate.name}" is within its dates, for clients, and strong enough`;
  return [
    { ...unspecified, evidence: [inOrder] },
    ...notTrusted(known).map((each) => ({ ...each, confidence: 'guess' as const })),
    possible('CLIENT_CERTIFICATE_REVOKED', 'guess'),
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
  if (!certificate) return [dropped, { ...noneSent, confidence: 'guess' }];
  const isFresh = connection?.requested === true && !connection.resumed && connection.protocol === 'TLSv1.3';
  if (!isFresh) return [dropped, possible('CLIENT_CERTIFICATE_PROBABLY_REFUSED', 'guess')];
  const sent = sentNone(known);
  if (sent) return [{ ...sent, confidence: 'likely' }, dropped];
  const probably = possible(
    'CLIENT_CERTIFICATE_PROBABLY_REFUSED',
    'likely',
    'the server asked for a certificate, and ended the connection before any answer',
  );
  return [...becauseOf(certificate, now, probably), dropped];
}

/** The connection ended in the handshake. */
function closedDuring({ known, now }: Case): PossibleCause[] | undefined {
  if (!known) return undefined;
  const { certificate, connection } = known;
  const early = possible('SERVER_CLOSED_BEFORE_ITS_FLIGHT', 'guess');
  if (!connection?.failed) {
    return certificate ? [early, possible('CLIENT_CERTIFICATE_REFUSED_SILENTLY', 'guess')] : [early];
  }
  if (!connection.requested) {
    const evidence = 'the connection ended before the server asked for a certificate';
    return [possible('SERVER_CLOSED_BEFORE_ITS_FLIGHT', 'likely', evidence)];
  }
  const sent = sentNone(known);
  if (sent) return [{ ...sent, confidence: 'likely' }, early];
  if (!certificate) return [{ ...noneSent, confidence: 'likely' }, early];
  const silently = possible(
    'CLIENT_CERTIFICATE_REFUSED_SILENTLY',
    'likely',
    'the server asked for a certificate, and ended the handshake once it had it',
  );
  return [...becauseOf(certificate, now, silently), early];
}

/** A silent refusal, with what is wrong with the certificate before it where that can be seen. */
function becauseOf(certificate: CertificateFacts, now: Date, silent: PossibleCause): PossibleCause[] {
  const [reason, ...others] = reasonsIn(certificate, now);
  if (!reason) return [silent, possible('ISSUER_NOT_TRUSTED_BY_SERVER', 'guess', ...issuerOf(certificate))];
  return [
    { ...reason, evidence: [...silent.evidence, ...reason.evidence] },
    { ...silent, confidence: 'guess' },
    ...others,
  ];
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

const unknown = possible('UNKNOWN', 'guess');
