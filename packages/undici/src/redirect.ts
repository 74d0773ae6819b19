import { AsyncLocalStorage } from 'node:async_hooks';
import type { Target } from '@clientcert/core';
import type { AdapterView } from '@clientcert/core/adapter';
import { Forward, type Handler } from './forward.ts';
import { originsOf } from './origins.ts';

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
export class Hop extends Forward {
  readonly #url: string;
  readonly #known: Omit<Redirect, 'to'>;
  /** What a dispatch follows that comes of the answer. */
  #redirect: Redirect | undefined;

  /** @param before The redirect that led here. */
  constructor(
    url: string | URL,
    known: Omit<Redirect, 'to'>,
    handler: Handler,
    before: Redirect | undefined,
  ) {
    super(handler);
    this.#url = String(url);
    this.#known = known;
    this.#redirect = before;
  }

  override onResponseStart(...args: Parameters<Forward['onResponseStart']>): void {
    const [, status, headers] = args;
    if (status >= 300 && status < 400 && headers.location) {
      // Where there are several, undici makes one text of them.
      const location = String(headers.location);
      const to = URL.canParse(location, this.#url) ? new URL(location, this.#url).origin : undefined;
      const { from, isPersonal, isAwaited } = this.#known;
      const beneath = redirects.getStore(); // by other credentials
      this.#redirect = {
        from: from ?? beneath?.from ?? null,
        isPersonal: isPersonal || beneath?.isPersonal === true,
        isAwaited,
        to,
      };
    }
    // It depends on more than the request's headers (RFC 9110, 12.5.5): no cache may keep it, which would know it
    // by URL and headers alone, and after redirects by the first URL.
    if (this.#known.isPersonal) headers.vary = '*';
    this.#pass(() => super.onResponseStart(...args));
  }

  override onResponseEnd(...args: Parameters<Forward['onResponseEnd']>): void {
    this.#pass(() => super.onResponseEnd(...args));
  }

  override onResponseError(...args: Parameters<Forward['onResponseError']>): void {
    this.#pass(() => super.onResponseError(...args));
  }

  #pass(on: () => void): void {
    if (this.#redirect) redirects.run(this.#redirect, on);
    else on();
  }
}
