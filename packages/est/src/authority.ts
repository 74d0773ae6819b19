import { setTimeout as pause } from 'node:timers/promises';
import { ClientCertificateError } from '@clientcert/core';
import {
  type Answer,
  type Asked,
  ask,
  failure,
  type Issued,
  readSecret,
  sayings,
} from '@clientcert/core/enrolment';
import type { CheckedOptions } from './options.ts';

/** A request that an authority has not answered for good: it takes the same again (RFC 7030, section 4.2.3). */
interface Pending {
  readonly current: Issued | undefined;
  readonly key: string;
  readonly request: string;
}

/** The operations of EST that make and renew a certificate. */
export class Authority {
  readonly #options: CheckedOptions;
  #pending: Pending | undefined;
  /** Milliseconds since the epoch: not before then it wants to be asked. */
  #notBefore = 0;
  #reason: ClientCertificateError | undefined;
  /** What was said in confidence. */
  #secrets: string[] = [];

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  /** The certificates of the authority (`/cacerts`), in DER. */
  async certificates(signal: AbortSignal): Promise<Buffer> {
    this.#checkTime();
    const what = 'cacerts';
    const answer = await this.#ask(undefined, { url: new URL(what, this.#options.base), what }, signal);
    if (answer.status !== 200) throw this.#refusal(what, answer);
    return decode(answer, what);
  }

  /**
   * Has a certificate issued (`/simpleenroll`), or the next one of `current` (`/simplereenroll`).
   *
   * @returns The key, and what was issued for it: PKCS #7, in DER.
   */
  async enrol(
    current: Issued | undefined,
    create: () => Promise<Pick<Pending, 'key' | 'request'>>,
    signal: AbortSignal,
  ): Promise<{ key: string; enrolled: Buffer }> {
    const what = current ? 'simplereenroll' : 'simpleenroll';
    if (this.#pending?.current !== current) this.#pending = undefined;
    this.#pending ??= { current, ...(await create()) };
    const { key, request } = this.#pending;
    const asked = {
      url: new URL(what, this.#options.base),
      what,
      body: request,
      headers: { 'content-type': 'application/pkcs10', 'content-transfer-encoding': 'base64' },
    };
    const begun = Date.now();
    for (;;) {
      this.#checkTime();
      const answer = await this.#ask(current, asked, signal);
      if (answer.status === 200) {
        this.#pending = undefined;
        return { key, enrolled: decode(answer, what) };
      }
      if (!isLater(answer)) {
        this.#pending = undefined;
        throw this.#refusal(what, answer);
      }
      const wait = waitOf(answer);
      if (wait > longestWait || Date.now() + wait - begun > longestWaits) {
        this.#notBefore = Date.now() + wait;
        this.#reason = this.#refusal(what, answer);
        continue;
      }
      // Whoever has none yet waits for it, and the process with them.
      await pause(wait, undefined, { ref: current === undefined, signal });
    }
  }

  /** It is asked no sooner than it said; whoever waits is told meanwhile. */
  #checkTime(): void {
    if (Date.now() < this.#notBefore && this.#reason) throw this.#reason;
  }

  /** With the password where it is asked for, and not before. */
  async #ask(current: Issued | undefined, asked: Asked, signal: AbortSignal): Promise<Answer> {
    const { server, login, certificate } = this.#options;
    const peer = { ...server, certificate: current ? { ...current } : asked.body ? certificate : undefined };
    const answer = await ask(peer, asked, signal);
    if (answer.status !== 401 || !login || !/\bbasic\b/i.test(answer.header('www-authenticate') ?? ''))
      return answer;
    const password = await readSecret(login.password, 'login.password', signal, 'text');
    const basic = Buffer.from(`${login.user}:${password}`).toString('base64');
    this.#secrets = [password, basic];
    const authorization = `Basic ${basic}`;
    return ask(peer, { ...asked, headers: { ...asked.headers, authorization } }, signal);
  }

  #refusal(what: string, answer: Answer): ClientCertificateError {
    const { status } = answer;
    const [says, hint] = reasons[status] ?? [`answers ${status}`, 'The log of the server says more.'];
    const text = /^text\/plain/i.test(answer.header('content-type') ?? '') ? answer.body.toString() : '';
    const said = sayings(text, this.#secrets);
    const message = `${what}: ${this.#options.base.host} ${says}${said && `: ${said}`}`;
    return status === 400 && what !== 'cacerts'
      ? new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', message, { hint })
      : failure(message, hint);
  }
}

const reasons: Readonly<Record<number, readonly [what: string, hint: string]>> = {
  202: [
    'has not decided yet (202)',
    'Somebody there has to approve the request. It is asked again when it said, for as long as the process runs.',
  ],
  400: [
    'does not accept the request (400)',
    'Compare commonName, names and keyType with what the authority allows.',
  ],
  401: [
    'asks who this is (401)',
    'Write "login" (HTTP Basic), or "certificate"; is the password right? No other way to log in is known here.',
  ],
  403: [
    'refuses it (403)',
    'Is the password right, and may whoever asks have this name? Is the certificate before revoked?',
  ],
  404: [
    'does not know the path (404)',
    'Is it a server of EST, and is "label" written where it has several authorities?',
  ],
  429: ['says that it is asked too often (429)', 'It is asked again later by itself.'],
  503: ['is busy or in maintenance (503)', 'It is asked again by itself.'],
};

function isLater({ status, header }: Answer): boolean {
  return status === 202 || ((status === 503 || status === 429) && header('retry-after') !== undefined);
}

/** Milliseconds. RFC 9110, section 10.2.3: seconds, or a date. */
function waitOf({ header }: Answer): number {
  const written = header('retry-after') ?? '';
  const wait = /^\d+$/.test(written) ? Number(written) * 1000 : Date.parse(written) - Date.now();
  return Math.min(Math.max(Number.isNaN(wait) ? defaultWait : wait, 1000), maximum);
}

/** Milliseconds, of one and of all. What takes longer is an error until then: whoever loads waits for two minutes at most. */
const longestWait = 30_000;
const longestWaits = 90_000;
const defaultWait = 60_000;
const maximum = 86_400_000;

/** RFC 8951, section 3: base64, whatever a header says. Some servers send what is encoded in it. */
function decode({ body }: Answer, what: string): Buffer {
  if (body[0] === 0x30) return body;
  const bytes = Buffer.from(body.toString('latin1'), 'base64');
  if (bytes[0] === 0x30) return bytes;
  throw failure(`${what}: the answer holds no certificates`, 'Is the address that of a server of EST?');
}
