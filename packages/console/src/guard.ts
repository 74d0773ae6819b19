import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Why a request is not answered. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/**
 * Who is let in. Any process of the machine, and any page in the browser, can reach a port of loopback; what they
 * cannot do is read the address that was printed, send another's cookie, or name another page as their origin.
 */
export class Guard {
  /**
   * Everything is below this path, which is another each time: cookies know no ports, so without it each other server
   * of this machine would be sent the cookie as well.
   */
  readonly base: string = `/${randomBytes(12).toString('base64url')}/`;
  readonly #authority: string;
  readonly #session = randomBytes(32).toString('base64url');
  #token: string | undefined = randomBytes(32).toString('base64url');

  constructor(authority: string) {
    this.#authority = authority;
  }

  get origin(): string {
    return `http://${this.#authority}`;
  }

  /** What is printed: it lets in once. */
  get address(): string {
    return `${this.origin}${this.base}?token=${this.#token ?? ''}`;
  }

  /** For whoever came with the token, which is good for nothing afterwards. */
  get cookie(): string {
    return `${COOKIE}=${this.#session}; Path=${this.base}; HttpOnly; SameSite=Strict`;
  }

  /**
   * A name that leads here for the length of an attack (DNS rebinding), another page of the browser, a path that
   * nobody was told.
   */
  refuseStranger({ rawHeaders, headers, url = '' }: IncomingMessage): Refusal | undefined {
    const hosts = rawHeaders.filter((_, index) => index % 2 === 0 && /^host$/i.test(rawHeaders[index]!));
    if (hosts.length !== 1 || headers.host !== this.#authority)
      return { status: 421, message: 'This server has another name.' };
    if (headers.origin !== undefined && headers.origin !== this.origin)
      return { status: 403, message: 'Another page may not ask here.' };
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return { status: 403, message: 'Another page may not lead here: paste the address that was printed.' };
    if (!url.startsWith(this.base)) return { status: 404, message: 'There is nothing here.' };
    return undefined;
  }

  /** Takes the token. It is good once: what was printed may stand in a history, a log or a screenshot. */
  admits(token: string): boolean {
    if (this.#token === undefined || !equal(token, this.#token)) return false;
    this.#token = undefined;
    return true;
  }

  knows({ headers }: IncomingMessage): boolean {
    const values = (headers.cookie ?? '').split(/;\s*/).flatMap((each) => {
      const [name, value] = each.split('=', 2);
      return name === COOKIE ? [value ?? ''] : [];
    });
    return values.some((value) => equal(value, this.#session));
  }

  /** What acts is called by our own page alone: a browser says of each POST where it comes from. */
  refuseAct({ headers }: IncomingMessage): Refusal | undefined {
    if (headers.origin !== this.origin) return { status: 403, message: 'Only its own page may ask here.' };
    if (!/^application\/json(?:;|$)/i.test(headers['content-type'] ?? ''))
      return { status: 415, message: 'What is asked here is JSON.' };
    return undefined;
  }
}

const COOKIE = 'clientcert-console';

/** In the same time wherever they differ, and however long they are. */
function equal(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
