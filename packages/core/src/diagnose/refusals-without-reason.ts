import { type PossibleCause, possible } from './causes.ts';
import { notTrusted, reasonsIn } from './certificate-faults.ts';
import { endedUnasked } from './closed-connections.ts';
import { isNamed } from './named-issuers.ts';
import { noneSent, sentNone } from './no-certificate-sent.ts';
import type { Case, Observation } from './observation.ts';

/** Both "no certificate" and "nothing in common" are alert 40. */
export function noneOrNothingInCommon({ seen, known, now }: Case): PossibleCause[] {
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
export function refused(
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
export function refusedUntold(each: Case): PossibleCause[] {
  const [first, second, ...others] = refused(each);
  if (second?.code !== 'CLIENT_CERTIFICATE_REVOKED') return [first!, ...(second ? [second] : []), ...others];
  return [
    { ...second, confidence: 'likely', evidence: first!.evidence },
    { ...first!, confidence: 'guess', evidence: [] },
    ...others,
  ];
}
