import type { Observation } from './observation.ts';
import { type Symptom, symptoms } from './symptoms.ts';

/** The symptom of what was seen: by the alert, by what an answer says, by code, and where there is none of these by the message. */
export function recognise(seen: Observation): Symptom | undefined {
  const { alert, answer, codes, text } = seen;
  if (alert !== null) return symptoms.find((symptom) => symptom.alert === alert);
  const says = (where: string) => (symptom: Symptom) =>
    symptom.messages.some((message) => contains(where, message));
  const byAnswer =
    answer &&
    symptoms.find((symptom) => [symptom.status].flat().includes(answer.status) && says(answer.body)(symptom));
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
