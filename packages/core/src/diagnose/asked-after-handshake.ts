import { type PossibleCause, possible } from './causes.ts';
import type { Facts } from './facts.ts';
import { noneSent, resumed, sentNone } from './no-certificate-sent.ts';
import type { Case } from './observation.ts';

/** A bare 403 or 401 to who has a certificate: over TLS 1.3 Node cannot be asked after the handshake. */
export function askedLater({ seen, known }: Case): PossibleCause[] {
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
export function chainMissed(known: Facts | undefined): PossibleCause[] | undefined {
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

/** Why a server that asked in the handshake may have none. */
export const notHandedOn =
  'one was presented in the handshake: something between here and the server may have ended TLS, and not have handed it on';

const unknown = possible('UNKNOWN', 'guess');
