import { AsyncLocalStorage } from 'node:async_hooks';
import type { AdapterView } from '@clientcert/core/adapter';
import { Forward, type Handler } from './forward.ts';
import type { Route } from './pool-options.ts';

/** The redirect that is being handed out, up to what comes of it. */
const redirects = new AsyncLocalStorage<Hop>();

/** The hop that sent a dispatch on, where it follows a redirect, and not where it is a request of its own. */
export function hopBefore(to: string | URL): Hop | undefined {
  const before = redirects.getStore();
  return before?.leadsTo(new URL(to).origin) ? before : undefined;
}

/**
 * Refuses to go on from a host that was shown a certificate to plain HTTP.
 *
 * @throws ERR_CLIENTCERT_DOWNGRADE
 */
export function checkHop(credentials: AdapterView, before: Route, to: string | URL): void {
  if (new URL(to).protocol === 'http:') credentials.checkRedirect(before.target, to);
}

/**
 * The answer to one identity, or one that others wait for. `interceptors.redirect` dispatches the next hop while that
 * answer ends, whichever interceptors stand in between with handlers of their own, or after them where these take their
 * time, as `interceptors.decompress` does.
 */
export class Hop extends Forward {
  /** `null` for a host of which the config says nothing. */
  readonly route: Route | null;
  /** Whether others are given what comes of it. */
  readonly isAwaited: boolean;
  readonly #from: string;
  #location: string | undefined;

  constructor(from: string | URL, route: Route | null, handler: Handler, isAwaited: boolean) {
    super(handler);
    this.route = route;
    this.isAwaited = isAwaited;
    this.#from = String(from);
  }

  leadsTo(origin: string): boolean {
    const location = this.#location;
    return (
      location !== undefined &&
      URL.canParse(location, this.#from) &&
      new URL(location, this.#from).origin === origin
    );
  }

  override onResponseStart(...args: Parameters<Forward['onResponseStart']>): void {
    const [, status, headers] = args;
    // Where there are several, undici makes one text of them.
    if (status >= 300 && status < 400 && headers.location) this.#location = String(headers.location);
    // It depends on more than the request's headers (RFC 9110, 12.5.5): no cache may keep it, which would know it
    // by URL and headers alone.
    if (this.route) headers.vary = '*';
    if (this.#location === undefined) super.onResponseStart(...args);
    else redirects.run(this, () => super.onResponseStart(...args));
  }

  override onResponseEnd(...args: Parameters<Forward['onResponseEnd']>): void {
    if (this.#location === undefined) super.onResponseEnd(...args);
    else redirects.run(this, () => super.onResponseEnd(...args));
  }
}
