import { type PossibleCause, possible } from './causes.ts';
import type { Facts } from './facts.ts';
import type { Observation } from './observation.ts';
import { recognise } from './recognition.ts';
import { refinements } from './refinements.ts';
import type { DiagnosisName, Symptom } from './symptoms.ts';

/** What was recognised, and what it may come from, the likeliest first; at least one. */
export interface PossibleCauses {
  readonly symptom: Symptom | undefined;
  readonly causes: readonly [PossibleCause, ...PossibleCause[]];
}

/**
 * What a failure comes from, of what was seen of it and what is known on this side. It is never certain where
 * something else looks the same and was not ruled out.
 *
 * @param now For the dates of certificates.
 */
export function findPossibleCauses(
  seen: Observation,
  given: Facts | undefined,
  now: Date = new Date(),
): PossibleCauses {
  const symptom = recognise(seen);
  const known = given && concerning(seen, given);
  const found = symptom
    ? (refinements[symptom.id]?.({ seen, known, now }) ?? asListed(symptom))
    : [possible('UNKNOWN', 'guess')];
  const told = seenOf(seen);
  const [first, ...others] = found.map((cause) => ({
    ...cause,
    evidence: [...told, ...cause.evidence],
  }));
  return { symptom: first!.code === 'UNKNOWN' ? undefined : symptom, causes: [first!, ...others] };
}

/** An earlier connection says nothing of a handshake that failed. */
function concerning({ inHandshake }: Observation, known: Facts): Facts {
  return inHandshake && known.connection?.failed === false ? { ...known, connection: null } : known;
}

function seenOf({ alert, answer, codes }: Observation): string[] {
  if (alert !== null) return [`the server sent TLS alert ${alert}`];
  if (answer) return [`the server answered ${answer.status}`];
  return codes.length > 0 ? [`the error’s code is ${codes.at(-1)}`] : [];
}

/** One cause is certain, unless it stands for several; of several, the first is likely. */
function asListed({ diagnoses, vague }: Symptom): PossibleCause[] {
  if (vague) return diagnoses.map((code) => possible(code, 'guess'));
  if (diagnoses.length === 1) return [possible(diagnoses[0], open.has(diagnoses[0]) ? 'likely' : 'certain')];
  return diagnoses.map((code, index) => possible(code, index === 0 ? 'likely' : 'guess'));
}

/** What may have come about in several ways, which the failure alone does not tell apart. */
const open: ReadonlySet<DiagnosisName> = new Set(['NOT_PEM', 'SERVER_CA_UNKNOWN']);
