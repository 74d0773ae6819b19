import { AsyncLocalStorage } from 'node:async_hooks';
import { Forward, type Handler } from './forward.ts';
import type { Route } from './routes.ts';

/** The redirect that is being handed out, up to what comes of it. */
const redirect = new AsyncLocalStorage<Hop>();

/** The route that sent a dispatch on, where it follows a redirect, and not where it is a request of its own. */
export function routeBefore(to: string | URL): Route | undefined {
  const before = redirect.getStore();
  return before?.leadsTo(new URL(to).origin) ? before.route : undefined;
}

/**
 * The answer to one identity. `interceptors.redirect` dispatches the next hop while that answer ends, whichever
 * interceptors stand in between with handlers of their own, or after them where these take their time, as
 * `interceptors.decompress` does.
 */
export class Hop extends Forward {
  readonly route: Route;
  #location: string | undefined;

  constructor(route: Route, handler: Handler) {
    super(handler);
    this.route = route;
  }

  leadsTo(origin: string): boolean {
    const location = this.#location;
    const from = `https://${this.route.target.host}`;
    return (
      location !== undefined && URL.canParse(location, from) && new URL(location, from).origin === origin
    );
  }

  override onResponseStart(...args: Parameters<Forward['onResponseStart']>): void {
    const [controller, status, headers, text] = args;
    if (status >= 300 && status < 400) this.#location = [headers.location].flat()[0];
    // What the answer depends on beside the request's headers (RFC 9110, 12.5.5): no cache may keep it, which
    // would know it by URL and headers alone.
    this.#tell(() => super.onResponseStart(controller, status, { ...headers, vary: '*' }, text));
  }

  override onResponseEnd(...args: Parameters<Forward['onResponseEnd']>): void {
    this.#tell(() => super.onResponseEnd(...args));
  }

  #tell(pass: () => void): void {
    if (this.#location === undefined) pass();
    else redirect.run(this, pass);
  }
}
