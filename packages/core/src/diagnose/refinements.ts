import { askedLater, chainMissed, notHandedOn } from './asked-after-handshake.ts';
import { type PossibleCause, possible } from './causes.ts';
import { expired, notTrusted, wrongPurpose } from './certificate-faults.ts';
import { closedAfterwards, closedDuring } from './closed-connections.ts';
import type { Facts } from './facts.ts';
import { noneSent, resumed, sentNone } from './no-certificate-sent.ts';
import type { Case } from './observation.ts';
import { noneOrNothingInCommon, refused, refusedUntold } from './refusals-without-reason.ts';

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
