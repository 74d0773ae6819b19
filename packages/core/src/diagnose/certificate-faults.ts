import { type Confidence, type PossibleCause, possible } from './causes.ts';
import type { CertificateFacts, Facts } from './facts.ts';
import { isNamed } from './named-issuers.ts';

/**
 * What is wrong with a certificate as far as it can be seen here: the first is likely what the server means.
 *
 * @param earlyFirst Servers that have an alert for "expired" and use another mean what there is none for.
 */
export function reasonsIn(known: Facts, now: Date, earlyFirst = false): PossibleCause[] {
  const { certificate } = known;
  if (!certificate) return [];
  const early = [notYetValid(certificate, now), weak(certificate)];
  const late = expired(certificate, now);
  const found = [
    ...(earlyFirst ? [...early, late] : [late, ...early]),
    wrongPurpose(known),
    certificate.chain === 'incomplete'
      ? possible('CLIENT_CHAIN_INCOMPLETE', 'likely', endsEarly(certificate))
      : undefined,
    ...notNamedOrIncomplete(known),
  ].filter((each) => each !== undefined);
  return found.map((each, index) => ({ ...each, confidence: index === 0 ? 'likely' : 'guess' }));
}

/** The issuer is not known to the server; or it is, and what lies between is missing. */
export function notTrusted(known: Facts | undefined): PossibleCause[] {
  const certificate = known?.certificate;
  const untrusted = (confidence: Confidence): PossibleCause => ({
    ...(notNamed(known) ?? possible('ISSUER_NOT_TRUSTED_BY_SERVER', confidence, ...issuerOf(certificate))),
    confidence,
  });
  if (!certificate) return [untrusted('likely'), possible('CLIENT_CHAIN_INCOMPLETE', 'guess')];
  const missing = endsEarly(certificate);
  switch (certificate.chain) {
    case 'complete':
      return [untrusted('certain')];
    case 'incomplete':
      return [possible('CLIENT_CHAIN_INCOMPLETE', 'likely', missing), untrusted('guess')];
    default:
      return [untrusted('likely'), possible('CLIENT_CHAIN_INCOMPLETE', 'guess', missing)];
  }
}

export function expired(
  certificate: CertificateFacts | null | undefined,
  now: Date,
): PossibleCause | undefined {
  const late = certificate?.validity.findIndex(({ to }) => to < now) ?? -1;
  if (!certificate || late < 0) return undefined;
  const own = `certificate "${certificate.name}"`;
  const ended = `${late === 0 ? own : `an intermediate of ${own}`} ended on ${day(certificate.validity[late]!.to)}`;
  return possible('CLIENT_CERTIFICATE_EXPIRED', 'certain', ended);
}

function notYetValid({ name, validity }: CertificateFacts, now: Date): PossibleCause | undefined {
  const early = validity.find(({ from }) => from > now);
  const begins = early && `certificate "${name}", or an intermediate of it, begins on ${day(early.from)}`;
  return begins === undefined ? undefined : possible('CLIENT_CERTIFICATE_NOT_YET_VALID', 'certain', begins);
}

export function wrongPurpose(known: Pick<Facts, 'certificate'> | undefined): PossibleCause | undefined {
  const { certificate } = known ?? {};
  if (!certificate?.warnings.includes('NO_CLIENT_AUTH')) return undefined;
  const evidence = `certificate "${certificate.name}" is not for client authentication`;
  return possible('CLIENT_CERTIFICATE_WRONG_PURPOSE', 'certain', evidence);
}

function weak({ name, warnings }: CertificateFacts): PossibleCause | undefined {
  const what = warnings.includes('WEAK_KEY')
    ? 'has a key that most servers find too small'
    : warnings.includes('WEAK_SIGNATURE') && 'is signed with a digest that most servers refuse';
  return what
    ? possible('CLIENT_CREDENTIAL_TOO_WEAK', 'certain', `certificate "${name}" ${what}`)
    : undefined;
}

export function issuerOf(certificate: CertificateFacts | null | undefined): string[] {
  if (!certificate) return [];
  return [`certificate "${certificate.name}" was issued by ${oneLine(certificate.issuers[0]!)}`];
}

function endsEarly({ name, issuers }: CertificateFacts): string {
  return `certificate "${name}" comes without the certificate of ${oneLine(issuers.at(-1)!)}`;
}

function notNamed(known: Facts | undefined): PossibleCause | undefined {
  if (!known || isNamed(known) !== false) return undefined;
  const evidence = `the server names the issuers that it takes, and ${oneLine(known.certificate!.issuers.at(-1)!)} is none of them`;
  return possible('ISSUER_NOT_TRUSTED_BY_SERVER', 'likely', evidence);
}

/** Where the issuer of what is sent last may be an intermediate, a root above it may be named. */
function notNamedOrIncomplete(known: Facts): (PossibleCause | undefined)[] {
  const { certificate } = known;
  const untrusted = notNamed(known);
  if (!untrusted || certificate?.chain !== 'unknown') return [untrusted];
  return [untrusted, possible('CLIENT_CHAIN_INCOMPLETE', 'guess', endsEarly(certificate))];
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');

const day = (date: Date): string => date.toISOString().slice(0, 10);
