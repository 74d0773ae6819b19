import type { CertificateFacts, Facts } from './facts.ts';
import type { Observation } from './observation.ts';
import { type DiagnosisName, type Symptom, symptoms } from './symptoms.ts';

// Longer than other files: what each symptom may come from is one table.

/** `certain`: nothing else does this; `likely`: other causes were not ruled out; `guess`: one of several. */
export type Confidence = 'certain' | 'likely' | 'guess';

/** What may be wrong, and what speaks for it. */
export interface PossibleCause {
  readonly code: DiagnosisName;
  readonly confidence: Confidence;
  readonly evidence: readonly string[];
}

/** What was recognised, and what it may come from, the likeliest first; at least one. */
export interface Judgement {
  readonly symptom: Symptom | undefined;
  readonly findings: readonly [PossibleCause, ...PossibleCause[]];
}

/**
 * What a failure comes from, of what was seen of it and what is known on this side. It is never certain where
 * something else looks the same and was not ruled out.
 *
 * @param now For the dates of certificates.
 */
export function judge(seen: Observation, given: Facts | undefined, now: Date = new Date()): Judgement {
  const symptom = recognise(seen);
  const known = given && concerning(seen, given);
  const found = symptom ? (refinements[symptom.id]?.({ seen, known, now }) ?? asListed(symptom)) : [unknown];
  const told = seenOf(seen);
  const [first, ...others] = found.map((finding) => ({
    ...finding,
    evidence: [...told, ...finding.evidence],
  }));
  return { symptom: first!.code === 'UNKNOWN' ? undefined : symptom, findings: [first!, ...others] };
}

/** An earlier connection says nothing of a handshake that failed. */
function concerning({ inHandshake }: Observation, known: Facts): Facts {
  return inHandshake && known.connection?.failed === false ? { ...known, connection: null } : known;
}

/** By the alert, by what an answer says, by code, and where there is none of these by the message. */
function recognise(seen: Observation): Symptom | undefined {
  const { alert, answer, codes, text } = seen;
  if (alert !== null) return symptoms.find((symptom) => symptom.alert === alert);
  const says = (where: string) => (symptom: Symptom) =>
    symptom.messages.some((message) => contains(where, message));
  const byAnswer =
    answer && symptoms.find((symptom) => symptom.status === answer.status && says(answer.body)(symptom));
  if (byAnswer) return byAnswer;
  const worded = symptoms.filter(says(text));
  const byCode = symptoms.filter((symptom) => symptom.codes?.some((code) => codes.includes(code)));
  const both = byCode.find((symptom) => worded.includes(symptom)) ?? worded[0];
  if (both) return both;
  const own = byCode.filter((symptom) =>
    symptom.codes!.some((code) => codes.includes(code) && !ambiguousCodes.has(code)),
  );
  const innermost = own.find((symptom) => symptom.codes!.includes(codes.at(-1)!)) ?? own[0];
  if (innermost) return innermost;
  return answer ? symptoms.find(({ id }) => id === byStatus[answer.status]) : undefined;
}

/** Codes that Node and clients give to many things: only with the message do they say something. */
const ambiguousCodes: ReadonlySet<string> = new Set([
  'ERR_BAD_REQUEST',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_CRYPTO_UNSUPPORTED_OPERATION',
  'UND_ERR_ABORTED',
  'UND_ERR_INVALID_ARG',
]);

/** Answers that say something by their number alone, once it is known that a certificate is in play. */
const byStatus: Readonly<Record<number, string>> = {
  401: 'cannot-perform-post-handshake-authentication',
  403: 'cannot-perform-post-handshake-authentication',
  407: 'proxy-407',
  413: 'request-entity-too-large',
  495: 'the-ssl-certificate-error',
  496: 'no-required-ssl-certificate-was-sent',
};

function contains(text: string, message: string): boolean {
  const parts = message
    .split('…')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  let from = 0;
  for (const part of parts) {
    const place = text.indexOf(part, from);
    if (place < 0) return false;
    from = place + part.length;
  }
  return parts.length > 0;
}

function seenOf({ alert, answer, codes }: Observation): string[] {
  if (alert !== null) return [`the server sent TLS alert ${alert}`];
  if (answer) return [`the server answered ${answer.status}`];
  return codes.length > 0 ? [`the error’s code is ${codes.at(-1)}`] : [];
}

/** One cause is certain, unless it stands for several; of several, the first is likely. */
function asListed({ diagnoses, vague }: Symptom): PossibleCause[] {
  if (vague) return diagnoses.map((code) => finding(code, 'guess'));
  if (diagnoses.length === 1) return [finding(diagnoses[0], open.has(diagnoses[0]) ? 'likely' : 'certain')];
  return diagnoses.map((code, index) => finding(code, index === 0 ? 'likely' : 'guess'));
}

/** What may have come about in several ways, which the failure alone does not tell apart. */
const open: ReadonlySet<DiagnosisName> = new Set(['NOT_PEM', 'SERVER_CA_UNKNOWN']);

function finding(code: DiagnosisName, confidence: Confidence, ...evidence: string[]): PossibleCause {
  return { code, confidence, evidence };
}

const unknown = finding('UNKNOWN', 'guess');

interface Case {
  readonly seen: Observation;
  readonly known: Facts | undefined;
  readonly now: Date;
}

/** Where what is known on this side says more than the symptom alone. */
const refinements: Readonly<Record<string, (each: Case) => PossibleCause[] | undefined>> = {
  'alert-40': noneOrNothingInCommon,
  'alert-50': ({ known }) => {
    if (known?.connection?.failed && known.connection.presented) {
      return [finding('CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED', 'guess', presentedBy(known))];
    }
    return [{ ...(sentNone(known) ?? none), confidence: 'likely' }];
  },
  'alert-116': ({ known }) => [sentNone(known) ?? none],
  'alert-42': (each) => refused(each, true),
  'alert-46': (each) => refused(each),
  'alert-49': (each) => refused(each),
  'alert-43': ({ known }) => [wrongPurpose(known) ?? finding('CLIENT_CERTIFICATE_WRONG_PURPOSE', 'certain')],
  'alert-45': ({ known, now }) => {
    const late = expired(known?.certificate, now);
    if (late) return [late];
    const inOrder =
      'here every certificate that is sent is within its dates: look at the clock of the server';
    return [finding('CLIENT_CERTIFICATE_EXPIRED', 'likely', ...(known?.certificate ? [inOrder] : []))];
  },
  'alert-48': ({ known }) => notTrusted(known),
  'the-ssl-certificate-error': (each) => {
    const [first, ...others] = refused(each).filter(
      ({ code }) => code !== 'CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED',
    );
    // nginx says of a certificate that came that it is refused, and for every reason the same.
    const class_ = finding('CLIENT_CERTIFICATE_REFUSED', 'likely');
    if (first?.confidence === 'likely') return [first, { ...class_, confidence: 'guess' }, ...others];
    return [class_, ...(first ? [first] : []), ...others].filter(
      ({ code }) => code !== 'NO_CLIENT_CERTIFICATE_SENT',
    );
  },
  'no-required-ssl-certificate-was-sent': ({ known }) => {
    const { connection } = known ?? {};
    if (known?.certificate && connection?.presented) {
      const evidence = connection.resumed
        ? resumed
        : 'one was presented in the handshake: something between here and the server may have ended TLS, and not have handed it on';
      return [{ ...none, confidence: 'certain', evidence: [evidence] }];
    }
    return [{ ...(sentNone(known) ?? none), confidence: 'certain' }];
  },
  'socket-hang-up': closedAfterwards,
  'client-network-socket-disconnected': closedDuring,
  'cannot-perform-post-handshake-authentication': askedLater,
  'request-entity-too-large': ({ known }) =>
    known?.certificate && known.connection?.requested === false
      ? [
          finding(
            'BODY_TOO_LARGE_FOR_RENEGOTIATION',
            'likely',
            'the server did not ask for a certificate in the handshake',
          ),
        ]
      : [finding('BODY_TOO_LARGE_FOR_RENEGOTIATION', 'guess', 'it may be an ordinary limit of the server')],
  'haproxy-403': ({ known }) => {
    const sent = sentNone(known);
    if (sent) return [{ ...sent, confidence: 'likely' }];
    return known?.connection?.resumed ? [{ ...none, evidence: [resumed] }] : undefined;
  },
  'iis-403': ({ seen }) => {
    const [, status = ''] = /\b403\.(\d+)\b/.exec(`${seen.answer?.body ?? ''} ${seen.text}`) ?? [];
    const meaning = iis[status];
    return [finding('IIS_SUBSTATUS', 'certain', ...(meaning ? [`403.${status}: ${meaning}`] : []))];
  },
  'unable-to-get-local-issuer-certificate': ({ seen }) => {
    // With its root sent along, or alone, nothing is missing.
    const whole = ['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'];
    return [
      whole.some((code) => seen.codes.includes(code))
        ? finding('SERVER_CA_UNKNOWN', 'certain', 'the server sent a self-signed certificate')
        : finding('SERVER_CA_UNKNOWN', 'likely'),
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

const none = finding('NO_CLIENT_CERTIFICATE_SENT', 'likely');

/** Why no certificate went out, where that is known. */
function sentNone(known: Facts | undefined): PossibleCause | undefined {
  if (!known) return undefined;
  const { certificate, connection, rule, place, secure } = known;
  const because = (reason: string, confidence: Confidence = 'certain') =>
    finding('NO_CLIENT_CERTIFICATE_SENT', confidence, reason);
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

function presentedBy({ certificate }: Facts): string {
  return `certificate "${certificate?.name}" was presented`;
}

/** Both "no certificate" and "nothing in common" are alert 40. */
function noneOrNothingInCommon({ seen, known, now }: Case): PossibleCause[] {
  const { connection = null } = known ?? {};
  const nothing = finding('NO_COMMON_TLS_PARAMETERS', 'guess');
  const sent = sentNone(known);
  if (connection?.failed && seen.inHandshake && connection.requested !== true) {
    const evidence = 'the handshake ended before the server asked for a certificate';
    return [finding('NO_COMMON_TLS_PARAMETERS', 'likely', evidence), { ...none, confidence: 'guess' }];
  }
  if (connection?.failed && connection.presented) {
    const [first, ...others] = refused({ seen, known, now });
    return [first!, ...others, nothing];
  }
  if (sent && connection?.failed && connection.requested) return [sent];
  return [{ ...(sent ?? none), confidence: 'likely' }, nothing];
}

/** The issuer is not known to the server; or it is, and what lies between is missing. */
function notTrusted(known: Facts | undefined): PossibleCause[] {
  const certificate = known?.certificate;
  const untrusted = (confidence: Confidence): PossibleCause =>
    finding('ISSUER_NOT_TRUSTED_BY_SERVER', confidence, ...issuerOf(certificate));
  if (!certificate) return [untrusted('likely'), finding('CLIENT_CHAIN_INCOMPLETE', 'guess')];
  const missing = `certificate "${certificate.name}" comes without the certificate of its issuer`;
  switch (certificate.chain) {
    case 'complete':
      return [untrusted('certain')];
    case 'incomplete':
      return [finding('CLIENT_CHAIN_INCOMPLETE', 'likely', missing), untrusted('guess')];
    default:
      return [untrusted('likely'), finding('CLIENT_CHAIN_INCOMPLETE', 'guess', missing)];
  }
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
  const unspecified = finding('CLIENT_CERTIFICATE_REJECTED_UNSPECIFIED', known ? 'likely' : 'guess');
  if (!certificate) return [unspecified, ...(orNone ? [{ ...none, confidence: 'guess' as const }] : [])];
  const reasons = reasonsIn(certificate, now, orNone);
  if (reasons.length > 0) return reasons;
  const inOrder = `here certificate "${certificate.name}" is within its dates, for clients, and strong enough`;
  return [
    { ...unspecified, evidence: [inOrder] },
    ...notTrusted(known).map((each) => ({ ...each, confidence: 'guess' as const })),
    finding('CLIENT_CERTIFICATE_REVOKED', 'guess'),
  ];
}

/**
 * What is wrong with a certificate as far as it can be seen here: the first is likely what the server means.
 *
 * @param earlyFirst Servers that have an alert for "expired" and use another mean what there is none for.
 */
function reasonsIn(certificate: CertificateFacts, now: Date, earlyFirst = false): PossibleCause[] {
  const early = [notYetValid(certificate, now), weak(certificate)];
  const late = expired(certificate, now);
  const found = [
    ...(earlyFirst ? [...early, late] : [late, ...early]),
    wrongPurpose({ certificate }),
    certificate.chain === 'incomplete'
      ? finding(
          'CLIENT_CHAIN_INCOMPLETE',
          'likely',
          `certificate "${certificate.name}" comes without the certificate of its issuer`,
        )
      : undefined,
  ].filter((each) => each !== undefined);
  return found.map((each, index) => ({ ...each, confidence: index === 0 ? 'likely' : 'guess' }));
}

/** The connection ended without a word after the handshake, which over TLS 1.3 is also how some servers refuse. */
function closedAfterwards({ known, now }: Case): PossibleCause[] | undefined {
  if (!known) return undefined;
  const { certificate, connection, place, secure } = known;
  const dropped = finding('CONNECTION_DROPPED', 'guess');
  if (!secure) {
    return [finding('HTTP_ON_TLS_PORT', 'guess', `${place} is called over plain HTTP`), dropped];
  }
  if (connection?.requested === false) {
    return [finding('CONNECTION_DROPPED', 'likely', 'the server did not ask for a certificate')];
  }
  if (!certificate) return [dropped, { ...none, confidence: 'guess' }];
  const isFresh = connection?.requested === true && !connection.resumed && connection.protocol === 'TLSv1.3';
  if (!isFresh) return [dropped, finding('CLIENT_CERTIFICATE_PROBABLY_REFUSED', 'guess')];
  const sent = sentNone(known);
  if (sent) return [{ ...sent, confidence: 'likely' }, dropped];
  const probably = finding(
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
  const early = finding('SERVER_CLOSED_BEFORE_ITS_FLIGHT', 'guess');
  if (!connection?.failed) {
    return certificate ? [early, finding('CLIENT_CERTIFICATE_REFUSED_SILENTLY', 'guess')] : [early];
  }
  if (!connection.requested) {
    const evidence = 'the connection ended before the server asked for a certificate';
    return [finding('SERVER_CLOSED_BEFORE_ITS_FLIGHT', 'likely', evidence)];
  }
  const sent = sentNone(known);
  if (sent) return [{ ...sent, confidence: 'likely' }, early];
  if (!certificate) return [{ ...none, confidence: 'likely' }, early];
  const silently = finding(
    'CLIENT_CERTIFICATE_REFUSED_SILENTLY',
    'likely',
    'the server asked for a certificate, and ended the handshake once it had it',
  );
  return [...becauseOf(certificate, now, silently), early];
}

/** A silent refusal, with what is wrong with the certificate before it where that can be seen. */
function becauseOf(certificate: CertificateFacts, now: Date, silent: PossibleCause): PossibleCause[] {
  const [reason, ...others] = reasonsIn(certificate, now);
  if (!reason) return [silent, finding('ISSUER_NOT_TRUSTED_BY_SERVER', 'guess', ...issuerOf(certificate))];
  return [
    { ...reason, evidence: [...silent.evidence, ...reason.evidence] },
    { ...silent, confidence: 'guess' },
    ...others,
  ];
}

/** A bare 403 or 401 to who has a certificate: over TLS 1.3 Node cannot be asked after the handshake. */
function askedLater({ seen, known }: Case): PossibleCause[] {
  if (seen.answer?.body.includes('Cannot perform Post-Handshake Authentication')) {
    return [finding('SERVER_WANTED_POST_HANDSHAKE_AUTH', 'certain')];
  }
  const { certificate, connection } = known ?? {};
  if (!certificate || !connection) return [unknown];
  if (connection.requested === false && connection.protocol === 'TLSv1.3') {
    const evidence = 'over TLS 1.3 the server did not ask for a certificate in the handshake';
    return [finding('SERVER_WANTED_POST_HANDSHAKE_AUTH', 'likely', evidence)];
  }
  return connection.resumed ? [finding('NO_CLIENT_CERTIFICATE_SENT', 'guess', resumed)] : [unknown];
}

/** HAProxy with `ssl_fc_has_crt`, and whoever looks at the handshake alone. */
const resumed =
  'the connection resumed a TLS session, in which no certificate is presented again, and some servers then see none: `resume: false` on the rule makes every handshake whole';

function expired(certificate: CertificateFacts | null | undefined, now: Date): PossibleCause | undefined {
  const late = certificate?.validity.findIndex(({ to }) => to < now) ?? -1;
  if (!certificate || late < 0) return undefined;
  const own = `certificate "${certificate.name}"`;
  const ended = `${late === 0 ? own : `an intermediate of ${own}`} ended on ${day(certificate.validity[late]!.to)}`;
  return finding('CLIENT_CERTIFICATE_EXPIRED', 'certain', ended);
}

function notYetValid({ name, validity }: CertificateFacts, now: Date): PossibleCause | undefined {
  const early = validity.find(({ from }) => from > now);
  const begins = early && `certificate "${name}", or an intermediate of it, begins on ${day(early.from)}`;
  return begins === undefined ? undefined : finding('CLIENT_CERTIFICATE_NOT_YET_VALID', 'certain', begins);
}

function wrongPurpose(known: Pick<Facts, 'certificate'> | undefined): PossibleCause | undefined {
  const { certificate } = known ?? {};
  if (!certificate?.warnings.includes('NO_CLIENT_AUTH')) return undefined;
  const evidence = `certificate "${certificate.name}" is not for client authentication`;
  return finding('CLIENT_CERTIFICATE_WRONG_PURPOSE', 'certain', evidence);
}

function weak({ name, warnings }: CertificateFacts): PossibleCause | undefined {
  const what = warnings.includes('WEAK_KEY')
    ? 'has a key that most servers find too small'
    : warnings.includes('WEAK_SIGNATURE') && 'is signed with a digest that most servers refuse';
  return what ? finding('CLIENT_CREDENTIAL_TOO_WEAK', 'certain', `certificate "${name}" ${what}`) : undefined;
}

function issuerOf(certificate: CertificateFacts | null | undefined): string[] {
  if (!certificate) return [];
  return [`certificate "${certificate.name}" was issued by ${certificate.issuer.replaceAll('\n', ', ')}`];
}

const day = (date: Date): string => date.toISOString().slice(0, 10);
