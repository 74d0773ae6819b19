import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import { workingDirectory } from '../config/here.ts';
import { loadFrom } from '../credentials/late.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import { ClientCertificateError } from '../errors.ts';
import { untilAborted } from '../load/until-aborted.ts';
import { snapshot } from '../own.ts';
import type { CaMaterial, Config, FileSource, HostPin } from '../types.ts';

/** An authority's own server, and as whom it is asked. */
export interface Peer {
  /** Trusted beside Node's own roots. */
  readonly ca?: CaMaterial | readonly CaMaterial[] | undefined;
  /** `'only'`: nothing but `ca` is trusted. */
  readonly trust?: 'only' | undefined;
  /** What paths of these are relative to; the working directory unless written. */
  readonly directory?: string | undefined;
  /** What is presented; a server that does not ask for it is an error. */
  readonly certificate?: FileSource | undefined;
  /** Whoever answers is believed: for what is checked by other means, such as a fingerprint, and never with a certificate. */
  readonly unverified?: boolean | undefined;
}

/** One request. */
export interface Asked {
  readonly url: URL;
  /** `POST` where there is one, else `GET`. */
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What it is for, as messages say it. */
  readonly what: string;
}

/** What came of it: any status but that of a redirect. */
export interface Answer {
  readonly status: number;
  /** A header that came, by its name in lower case. */
  header(name: string): string | undefined;
  readonly body: Buffer;
}

/**
 * Asks an authority, over a connection of its own.
 *
 * @throws ERR_CLIENTCERT_FILE_UNREADABLE where it cannot be reached, or sends elsewhere
 */
export async function ask(by: Peer, asked: Asked, signal: AbortSignal): Promise<Answer> {
  // What every object inherits is nobody's trust, and nobody's request.
  const peer = snapshot(by);
  const { url, body, headers, what } = snapshot(asked);
  const place = url.host;
  const config: Config = {
    certificates: peer.certificate ? { own: peer.certificate } : {},
    hosts: { [`${url.hostname}:${url.port || 443}`]: ruleFor(peer) },
    watch: false,
  };
  const loading = loadFrom(config, { directory: peer.directory ?? workingDirectory() });
  // Nobody says when a function that is asked for a passphrase answers.
  const ending = withTimeout(signal);
  const credentials = await untilAborted(loading, ending).catch((error: unknown) => {
    void loading.then(
      (late) => late.close(),
      () => {},
    );
    signal.throwIfAborted();
    if (!ending.aborted) throw error;
    throw failure(
      `${what}: what ${place} is asked with is not there yet`,
      'Do its functions answer, and its file system?',
      error,
    );
  });
  // They are told to whoever uses it elsewhere.
  credentials
    .on('warning', () => {})
    .on('expiring', () => {})
    .on('error', () => {});
  try {
    const request = https.request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: credentials.agent({ keepAlive: false }),
      signal: withTimeout(signal),
    });
    const response = await responseTo(request, headers, body);
    const { statusCode: status = 0 } = response;
    if (status >= 300 && status < 400) {
      response.destroy();
      throw failure(
        `${what}: ${place} answers with a redirect`,
        'What is said in confidence goes to the address that is written and to no other.',
      );
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response) {
      size += chunk.length;
      if (size > longest) throw failure(`${what}: ${place} answers without end`, 'Is the address its own?');
      chunks.push(chunk);
    }
    return {
      status,
      header: (name) => [response.headers[name]].flat()[0],
      body: Buffer.concat(chunks),
    };
  } catch (cause) {
    signal.throwIfAborted();
    const ours = ClientCertificateError.from(cause);
    if (ours && ours === cause && ours.code === 'ERR_CLIENTCERT_FILE_UNREADABLE') throw ours;
    throw failure(
      `${what}: ${place} cannot be reached${ours ? `: ${ours.message}` : ''}`,
      ours?.hint ?? adviceOn(cause),
      cause,
    );
  } finally {
    await credentials.close();
  }
}

/** Sends a request, and says what comes of it. What fails later fails the response as well. */
export async function responseTo(
  request: ClientRequest,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<IncomingMessage> {
  request.on('error', () => {});
  try {
    // Not in its options, which Node tells to NODE_DEBUG.
    for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
    request.end(body);
  } catch (error) {
    request.destroy(error as Error);
  }
  // A connection that is switched to something else (101) ends without an error, and without an answer.
  const ended = once(request, 'close').then(() => {
    throw new Error('the connection ended without an answer');
  });
  const [response] = await Promise.race([once(request, 'response'), ended]);
  return response;
}

function ruleFor({ ca, trust, certificate, unverified }: Peer): HostPin {
  if (unverified) return { dangerouslyAcceptAnyServer: true };
  return {
    ...(certificate ? { certificate: 'own', required: true } : { certificate: false }),
    ...(ca !== undefined && { ca }),
    ...(trust && { trust }),
  };
}

/** Aborted with the signal, and where an authority, or a secret for it, is waited for too long: 30 seconds unless written. */
export function withTimeout(signal: AbortSignal, milliseconds: number = timeout): AbortSignal {
  // Not `AbortSignal.timeout`, which Node 20 forgets within `any`, and nothing would end.
  const ending = new AbortController();
  const end = () =>
    ending.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  setTimeout(end, milliseconds).unref();
  return AbortSignal.any([signal, ending.signal]);
}

/** Milliseconds. */
const timeout = 30_000;
/** Bytes. */
const longest = 1_000_000;

function adviceOn(cause: unknown): string {
  const { confidence, fix } = diagnose(cause);
  return confidence === 'guess' ? 'Its error is the cause.' : fix;
}

/** A JSON object; `undefined` for what is none. It and what is in it inherit nothing, which would be nobody's answer. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text, (_, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each) ? { __proto__: null, ...each } : each,
    );
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What an authority does not give. It is asked again. */
export function failure(message: string, hint: string, cause?: unknown): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_FILE_UNREADABLE', message, { hint, cause });
}

/** What an authority says of an error: one line, without what was said to it in confidence. */
export function sayings(said: string, secrets: readonly string[]): string {
  let text = said;
  for (const secret of secrets) text = text.replaceAll(secret, '…');
  return text.replace(controls, ' ').trim().slice(0, 300);
}

/** What a terminal would obey, and what would have a line read otherwise than it is written. */
const controls = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
