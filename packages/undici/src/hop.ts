import { Forward, type Handler } from './forward.ts';
import type { Route } from './routes.ts';

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
    const [, status, headers] = args;
    if (status >= 300 && status < 400) this.#location = [headers.location].flat()[0];
    super.onResponseStart(...args);
  }

  override onResponseEnd(...args: Parameters<Forward['onResponseEnd']>): void {
    const around = ending;
    ending = this;
    try {
      super.onResponseEnd(...args);
    } finally {
      ending = around;
    }
  }
}
