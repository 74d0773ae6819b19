import { type Credentials, diagnose, type Handshake } from '@clientcert/core';
import { untilAborted, withTimeout } from '@clientcert/core/enrolment';
import { UsageError, withScheme } from '../command.ts';
import { targetOf } from '../commands/explain.ts';
import { probe } from '../probe/probe.ts';
import { clientNamed } from './clients.ts';
import type { Input } from './input.ts';

/** Of each connection, in milliseconds. */
const PATIENCE = 10_000;

/**
 * What `probe` finds, and what one real request comes to, told step by step.
 *
 * @returns The request's own step.
 */
export async function tryOut(
  input: Input,
  credentials: Credentials,
  tell: (progress: object) => void,
  signal: AbortSignal,
): Promise<object> {
  const url = readUrl(input.text('url'));
  const service = input.optionalText('service');
  const name = input.text('client');
  tell({ explanation: pickExplanation(credentials, url.href, service) });
  const get = await clientNamed(name, credentials);
  if (get === undefined) throw new UsageError('the console knows no such client');
  const found =
    input.get('probe') === false ? undefined : await probe(url, { credentials, service, timeout: PATIENCE });
  if (found) tell({ probe: found });
  signal.throwIfAborted();
  const handshakes: Handshake[] = [];
  const listener = (handshake: Handshake) => handshakes.push(handshake);
  credentials.on('handshake', listener);
  const begin = performance.now();
  const took = () => Math.round(performance.now() - begin);
  try {
    const ending = withTimeout(signal, 3 * PATIENCE);
    // A client may not heed it: of a connection that is switched to something else (101) none tells an end.
    const answer = await untilAborted(get(url, service, ending), ending);
    const { status, type } = answer;
    const diagnosis =
      status < 400
        ? undefined
        : diagnose(
            { status, headers: type ? { 'content-type': type } : {}, body: answer.text },
            about(credentials, url, service, found),
          );
    return {
      handshakes,
      answer,
      milliseconds: took(),
      ...(diagnosis && diagnosis.code !== 'UNKNOWN' && { diagnosis: picked(diagnosis) }),
    };
  } catch (error) {
    const diagnosis = diagnose(error as Error, about(credentials, url, service, found));
    return { handshakes, milliseconds: took(), error: messageOf(error), diagnosis: picked(diagnosis) };
  } finally {
    credentials.off('handshake', listener);
  }
}

function about(
  credentials: Credentials,
  url: URL,
  service: string | undefined,
  found: Awaited<ReturnType<typeof probe>> | undefined,
): NonNullable<Parameters<typeof diagnose>[1]> {
  return { credentials, url, service, ...(found && { issuers: found.clientCertificate.issuers }) };
}

function picked({ code, title, cause, fix, confidence, evidence }: ReturnType<typeof diagnose>): object {
  return { code, title, cause, fix, confidence, evidence };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : 'it failed';
}

function readUrl(text: string): URL {
  const address = withScheme(text.trim());
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:')
    throw new UsageError('that is no https URL', 'Write it as https://host:port/path.');
  if (url.username || url.password)
    throw new UsageError('a URL with a user name or password is not called here', 'Leave them out.');
  return url;
}

/** Of an explanation what the page shows. */
export function pickExplanation(credentials: Credentials, url: string, service: string | undefined): object {
  const explanation = credentials.explain(targetOf(withScheme(url.trim()), service));
  const {
    target,
    service: as,
    summary,
    considered,
    certificate,
    tls,
    trust,
    proxy,
    resolution,
  } = explanation;
  return { target, service: as, summary, considered, certificate, tls, trust, proxy, rule: resolution.rule };
}
