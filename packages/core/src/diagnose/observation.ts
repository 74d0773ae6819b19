import type { Facts } from './facts.ts';

/** What is seen of a failure, without a word of what it means: no Node module is needed to read it. */
export interface Observation {
  /** The number of the TLS alert that the other side sent (RFC 8446, section 6), or `null`. */
  readonly alert: number | null;
  /** The codes of the error and of what caused it, the outermost first. */
  readonly codes: readonly string[];
  /** Its messages, a line each; where there is an answer, not its body. */
  readonly text: string;
  /** Whether the handshake had not ended: Node says `EPROTO` then, and names the connection that is not secure yet. */
  readonly inHandshake: boolean;
  /** The answer, where there is one. */
  readonly answer: Answer | null;
  /** The error of this project in it, or `null`: it says itself what is wrong. */
  readonly own: OwnError | null;
}

/** A failure to explain, and when. */
export interface Case {
  readonly seen: Observation;
  readonly known: Facts | undefined;
  readonly now: Date;
}

export interface OwnError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** An HTTP answer, as far as it says something of certificates. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Reads what any error of Node or of a client, or an answer, shows. It walks `cause`, the errors of an
 * `AggregateError`, and the plain objects with which node-soap rejects. The alert is taken from OpenSSL's packed
 * code: names and texts differ between its versions.
 *
 * @param given Also what was printed of one, or its JSON.
 */
export function observe(given: unknown): Observation {
  const codes: string[] = [];
  const texts: string[] = [];
  let answer: Answer | null = null;
  let own: OwnError | null = null;
  const pasted = typeof given === 'string' ? given.slice(0, maxText) : undefined;
  for (const each of walk(pasted === undefined ? given : parseJson(pasted))) {
    const code = read(each, 'code');
    if (typeof code === 'string' && !codes.includes(code)) codes.push(code);
    for (const text of [read(each, 'message'), read(each, 'errorMessage')]) {
      if (typeof text === 'string' && text !== '') texts.push(text.slice(0, maxText));
    }
    answer ??= readAnswer(each);
    // A client that takes over the code has the whole error as its cause.
    own = readOwn(each) ?? own;
  }
  if (pasted !== undefined) {
    own ??= readPastedOwn(pasted);
    texts.push(pasted);
    for (const code of codesIn(pasted)) if (!codes.includes(code)) codes.push(code);
    answer ??= readPastedAnswer(pasted);
  }
  const text = texts.join('\n');
  return {
    alert: alertIn(text),
    codes,
    text,
    inHandshake: codes.includes('EPROTO') || text.includes('before secure TLS connection was established'),
    answer,
    own,
  };
}

function readOwn(each: object): OwnError | null {
  const [code, message, hint] = [read(each, 'code'), read(each, 'message'), read(each, 'hint')];
  if (typeof code !== 'string' || !/^ERR_CLIENTCERT_[A-Z_]+$/.test(code)) return null;
  return {
    code,
    message: typeof message === 'string' ? message : code,
    hint: typeof hint === 'string' ? hint : undefined,
  };
}

function readPastedOwn(text: string): OwnError | null {
  const code = /\bERR_CLIENTCERT_[A-Z_]+/.exec(text)?.[0];
  const line = /ClientCertificateError(?: \[\w+\])?: (.+)/.exec(text)?.[1];
  const hint = /\bhint: ['"`](.+)['"`]/.exec(text)?.[1];
  return code === undefined ? null : { code, message: line ?? code, hint };
}

/** The address that was called, where the failure says it: as the clients' errors and answers do, or Node for its own. */
export function addressIn(given: unknown): URL | undefined {
  for (const each of walk(given)) {
    // Where a redirect led: of axios, of got and fetch.
    const followed = at(each, 'request', '_currentUrl') ?? at(each, 'response', 'url');
    const written = [at(each, 'config', 'url'), at(each, 'options', 'url'), read(each, 'url')].find(
      isAddress,
    );
    const base = at(each, 'config', 'baseURL');
    const called = parse(followed) ?? parse(written ?? (base && ''), base);
    if (called) return called;
    const [host, port] = [read(each, 'host'), read(each, 'port')];
    if (typeof host === 'string' && typeof port === 'number') {
      return parse(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
    }
  }
  return undefined;
}

function isAddress(value: unknown): boolean {
  return typeof value === 'string' || value instanceof URL;
}

function parse(url: unknown, base?: unknown): URL | undefined {
  if (!isAddress(url)) return undefined;
  const parsed = isAddress(base) ? [`${url}`, `${base}`] : [`${url}`];
  return URL.canParse(...(parsed as [string])) ? new URL(...(parsed as [string])) : undefined;
}

/** Number of the alert: OpenSSL's reason is that plus 1000, in hexadecimal in every message. */
function alertIn(text: string): number | null {
  for (const [, packed] of text.matchAll(/\berror:0A([0-9A-F]{6})\b/gi)) {
    const alert = Number.parseInt(packed!, 16) - 1000;
    if (alert > 0 && alert < 256) return alert;
  }
  const written = /\bSSL alert number (\d{1,3})\b/.exec(text)?.[1];
  return written === undefined ? null : Number(written);
}

/** An error, and what it is made of: each object once, and no more than any client nests. */
export function* walk(given: unknown): Generator<object> {
  const queue = [given];
  const seen = new Set<unknown>();
  while (queue.length > 0 && seen.size < maxObjects) {
    const each = queue.shift();
    if (typeof each !== 'object' || each === null || seen.has(each)) continue;
    seen.add(each);
    yield each;
    const errors = read(each, 'errors');
    const nested = Array.isArray(errors) ? errors.slice(0, maxObjects) : [];
    queue.push(...wrapped.map((key) => read(each, key)), ...nested);
  }
}

/** Where clients and their wrappers put the error they were given. */
const wrapped = ['cause', 'error', 'reason', 'originalError', 'err', 'root'] as const;

/** What clients throw is anything, also what throws when it is looked at. */
export function read(value: unknown, key: PropertyKey): unknown {
  try {
    return (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  } catch {
    return undefined;
  }
}

function at(value: object, first: string, second: string): unknown {
  return read(read(value, first), second);
}

/** The answer in an error of axios, got or node-soap; or what is an answer itself, of fetch, a client, or written down. */
function readAnswer(each: object): Answer | null {
  const response = read(each, 'response');
  const holder = typeof response === 'object' && response !== null ? response : each;
  const status = [read(holder, 'status'), read(holder, 'statusCode')].find(
    (value) => typeof value === 'number',
  );
  if (status === undefined || status < 100 || status > 599) return null;
  const bodies = [
    ...['data', 'body', 'rawBody', 'text'].map((key) => read(holder, key)),
    holder !== each && read(each, 'body'),
  ];
  return { status, body: bodies.map(textOf).find((text) => text !== '') ?? '' };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, maxText);
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    return new TextDecoder().decode(value.slice(0, maxText));
  }
  if (typeof value !== 'object' || value === null) return '';
  // What a client has parsed from JSON; a stream has no text.
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return '';
  try {
    return JSON.stringify(value).slice(0, maxText);
  } catch {
    return '';
  }
}

function parseJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Codes in what `util.inspect` prints, or in a line of a log. */
function codesIn(text: string): string[] {
  const found = text.match(
    /\b(?:ERR_[A-Z0-9_/]+|UND_ERR_[A-Z_]+|E[A-Z]{3}[A-Z0-9_]*|[A-Z]+(?:_[A-Z0-9]+)+)\b/g,
  );
  return [...new Set(found ?? [])].filter((code) => !/^NGHTTP2_|^(?:NODE|SSL)_/.test(code));
}

function readPastedAnswer(text: string): Answer | null {
  const status = pastedStatus.exec(text)?.[1];
  return status === undefined ? null : { status: Number(status), body: text };
}

const pastedStatus =
  /(?:\bstatus(?:Code)?(?: code)?["']?:? |\bHTTP\/[\d.]+ |\bHTTP Error |^|<title>)([45]\d\d)\b/im;
const maxText = 16_384;
const maxObjects = 50;
