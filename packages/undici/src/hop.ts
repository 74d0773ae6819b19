import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Route } from './routes.ts';

type Handler = Dispatcher.DispatchHandler;

/** The answer that is ending at this moment. */
let ending: Hop | undefined;

/** The route that sent a dispatch on, where it follows a redirect, and not where it is a request of its own. */
export function routeBefore(to: string | URL): Route | undefined {
  return ending?.leadsTo(new URL(to).origin) ? ending.route : undefined;
}

/**
 * The answer of a host that was shown a certificate. `interceptors.redirect` dispatches the next hop while
 * that answer ends, whichever interceptors stand in between with handlers of their own.
 */
export class Hop implements Handler {
  readonly route: Route;
  readonly #handler: Handler & { onRequestSent?(): void };
  #location: string | undefined;

  constructor(route: Route, handler: Handler) {
    this.route = route;
    this.#handler = handler;
  }

  leadsTo(origin: string): boolean {
    const location = this.#location;
    const from = `https://${this.route.target.host}`;
    return (
      location !== undefined && URL.canParse(location, from) && new URL(location, from).origin === origin
    );
  }

  onRequestStart(...args: Parameters<NonNullable<Handler['onRequestStart']>>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onRequestUpgrade(...args: Parameters<NonNullable<Handler['onRequestUpgrade']>>): void {
    this.#handler.onRequestUpgrade?.(...args);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    text?: string,
  ): void {
    if (status >= 300 && status < 400) this.#location = [headers.location].flat()[0];
    this.#handler.onResponseStart?.(controller, status, headers, text);
  }

  onResponseData(...args: Parameters<NonNullable<Handler['onResponseData']>>): void {
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<NonNullable<Handler['onResponseEnd']>>): void {
    const around = ending;
    ending = this;
    try {
      this.#handler.onResponseEnd?.(...args);
    } finally {
      ending = around;
    }
  }

  onResponseError(...args: Parameters<NonNullable<Handler['onResponseError']>>): void {
    this.#handler.onResponseError?.(...args);
  }

  onBodySent(...args: Parameters<NonNullable<Handler['onBodySent']>>): void {
    this.#handler.onBodySent?.(...args);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }
}
