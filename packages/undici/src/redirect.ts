import { AsyncLocalStorage } from 'node:async_hooks';
import type { Target } from '@clientcert/core';
import type { AdapterView } from '@clientcert/core/adapter';
import { Forward, type Handler } from './forward.ts';
import { originsOf } from './origins.ts';
import { asRaw, type HeaderList, locationOf, type RawHandler, varying } from './raw-handler.ts';

/** A redirect, as what follows it has to know it. No pool and no handler: timers that begin here hold it for minutes. */
interface Redirect {
  /** What was decided on, and by which credentials; `null` for a host of which their config says nothing. */
  readonly from: { readonly credentials: AdapterView; readonly target: Target } | null;
  /** Whether it, or one that led to it, was an answer to one identity. */
  readonly isPersonal: boolean;
  /** Whether others are given what comes of it. */
  readonly isAwaited: boolean;
  /** The origin that it leads to; `undefined` where that is none. */
  readonly to: string | undefined;
}

/** The redirect that is being handed out, up to what comes of it. */
const redirects = new AsyncLocalStorage<Redirect | undefined>();

/**
 * The redirect that a dispatch follows; none for a request of its own.
 *
 * @param name The host's, as for {@link originsOf}.
 */
export function redirectTo(url: string | URL, name: string | null | undefined): Redirect | undefined {
  const redirect = redirects.getStore();
  return redirect && originsOf(url, name).includes(redirect.to!) ? redirect : undefined;
}

/** Sends what follows a redirect, or does not: a connection that is made for it serves others after it. */
export function sendOn(send: () => boolean): boolean {
  return redirects.getStore() ? redirects.run(undefined, send) : send();
}

/**
 * Refuses to go on from a host that was shown a certificate to plain HTTP.
 *
 * @throws ERR_CLIENTCERT_DOWNGRADE
 */
export function checkHop(credentials: AdapterView, before: Target, to: string | URL): void {
  if (new URL(to).protocol === 'http:') credentials.checkRedirect(before, to);
}

/**
 * The answer to one identity, what its redirects lead to, or one that others wait for. `interceptors.redirect` dispatches
 * the next hop while that answer ends, whichever interceptors stand in between with handlers of their own, or after them
 * where these take their time, as `interceptors.decompress` does; and `interceptors.retry` this one again.
 */
class Answer {
  readonly #url: string;
  readonly #known: Omit<Redirect, 'to'>;
  /** What a dispatch follows that comes of the answer. */
  #redirect: Redirect | undefined;

  constructor(url: string | URL, known: Omit<Redirect, 'to'>, before: Redirect | undefined) {
    this.#url = String(url);
    this.#known = known;
    this.#redirect = before;
  }

  /**
   * It depends on more than the request's headers (RFC 9110, 12.5.5): no cache may keep it, which would know it by URL and
   * headers alone, and after redirects by the first URL.
   */
  get varies(): boolean {
    return this.#known.isPersonal;
  }

  /** @param location Read where it is a redirect. */
  begin(status: number, location: () => unknown): void {
    if (status < 300 || status >= 400) return;
    const found = location();
    if (!found) return;
    const place = String(found); // several are one text, where they are a list
    const to = URL.canParse(place, this.#url) ? new URL(place, this.#url).origin : undefined;
    const { from, isPersonal, isAwaited } = this.#known;
    const beneath = redirects.getStore(); // by other credentials
    this.#redirect = {
      from: from ?? beneath?.from ?? null,
      isPersonal: isPersonal || beneath?.isPersonal === true,
      isAwaited,
      to,
    };
  }

  handOut<Result>(on: () => Result): Result {
    return this.#redirect ? redirects.run(this.#redirect, on) : on();
  }
}

/** Stands in front of a handler, and has what it dispatches known as what follows the answer. */
export function followed(
  handler: Handler,
  url: string | URL,
  known: Omit<Redirect, 'to'>,
  before: Redirect | undefined,
): Handler {
  const answer = new Answer(url, known, before);
  const raw = asRaw(handler);
  if (raw) return new RawHop(answer, raw) as object as Handler;
  // One that takes a connection over may be of the older kind, and take no headers.
  return handler.onRequestStart ? new Hop(answer, handler) : handler;
}

class Hop extends Forward {
  readonly #answer: Answer;

  constructor(answer: Answer, handler: Handler) {
    super(handler);
    this.#answer = answer;
  }

  override onResponseStart(...args: Parameters<Forward['onResponseStart']>): void {
    const [, status, headers] = args;
    this.#answer.begin(status, () => headers.location);
    if (this.#answer.varies) headers.vary = '*';
    this.#answer.handOut(() => super.onResponseStart(...args));
  }

  override onResponseEnd(...args: Parameters<Forward['onResponseEnd']>): void {
    this.#answer.handOut(() => super.onResponseEnd(...args));
  }

  override onResponseError(...args: Parameters<Forward['onResponseError']>): void {
    this.#answer.handOut(() => super.onResponseError(...args));
  }
}

class RawHop implements RawHandler {
  readonly #answer: Answer;
  readonly #handler: RawHandler;

  constructor(answer: Answer, handler: RawHandler) {
    this.#answer = answer;
    this.#handler = handler;
  }

  onConnect(...args: Parameters<RawHandler['onConnect']>): void {
    this.#handler.onConnect(...args);
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onHeaders(status: number, headers: HeaderList, resume: () => void, text: string): boolean {
    this.#answer.begin(status, () => locationOf(headers));
    const given = this.#answer.varies ? varying(headers) : headers;
    return this.#answer.handOut(() => this.#handler.onHeaders(status, given, resume, text));
  }

  onUpgrade(...args: Parameters<RawHandler['onUpgrade']>): void {
    this.#handler.onUpgrade(...args);
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onData(chunk);
  }

  onComplete(trailers: HeaderList): void {
    this.#answer.handOut(() => this.#handler.onComplete(trailers));
  }

  onError(error: Error): void {
    this.#answer.handOut(() => this.#handler.onError(error));
  }
}
