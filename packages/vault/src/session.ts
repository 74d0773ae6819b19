import { failure, isWord, readSecret, type Secret, soon } from '@clientcert/core/enrolment';
import { type Answer, type Call, callVault } from './api.ts';
import type { CheckedOptions, VaultLogin } from './options.ts';

/** Where Kubernetes mounts the token of the service account. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A token of Vault, kept for as long as it can be, and had anew where it cannot. */
export class Session {
  readonly #options: CheckedOptions;
  readonly #signal: AbortSignal;
  #token: string | undefined;
  /** Milliseconds since the epoch: when the token is renewed, and when it ends. */
  #renewAt = Number.POSITIVE_INFINITY;
  #endsAt = Number.POSITIVE_INFINITY;

  constructor(options: CheckedOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** When {@link tend} is to be called. */
  get renewAt(): number {
    return this.#renewAt;
  }

  /** Calls Vault with a token. */
  async call(call: Omit<Call, 'token'>): Promise<Answer> {
    if (this.#token === undefined || Date.now() >= this.#endsAt) await this.#logIn();
    return this.#ask({ ...call, token: this.#token });
  }

  /** Renews the token. Where that fails, it is tried again for as long as it is good; then one is had anew, when needed. */
  async tend(): Promise<void> {
    try {
      const what = 'renewing the token';
      const { auth } = await this.#ask({ path: 'auth/token/renew-self', body: {}, token: this.#token, what });
      const { lease_duration: ttl, renewable } = auth ?? {};
      // Of one that had an end, no answer says that it has none.
      if (typeof ttl !== 'number' || ttl <= 0) throw failure(what, 'It is not renewed.');
      this.#keep(this.#token!, ttl, renewable);
    } catch {
      this.#signal.throwIfAborted();
      const left = this.#endsAt - Date.now();
      this.#renewAt = left > 3000 ? Date.now() + Math.max(left / 3, 1000) : Number.POSITIVE_INFINITY;
    }
  }

  async #logIn(): Promise<void> {
    const { login } = this.#options;
    if (login.method === 'token') {
      const token = await this.#read(login.token, 'token');
      const { data } = await this.#ask({
        path: 'auth/token/lookup-self',
        token,
        what: 'looking up the token',
      });
      this.#keep(token, data?.ttl, data?.renewable);
      return;
    }
    const body = await this.#credentialsOf(login);
    const { auth } = await this.#ask({
      path: `auth/${login.mount ?? login.method}/login`,
      body,
      what: `logging in (${login.method})`,
      secrets: Object.entries(body).flatMap(([name, text]) => (name === 'role' ? [] : [text])),
    });
    const token = auth?.client_token;
    if (typeof token !== 'string' || !isWord(token))
      throw failure(
        `logging in (${login.method}): the answer holds no token`,
        'Is the address that of Vault, and is no second factor asked for?',
      );
    this.#keep(token, auth?.lease_duration, auth?.renewable);
  }

  /** @param ttl Seconds; 0 for a token that does not end. */
  #keep(token: string, ttl: unknown, renewable: unknown): void {
    const ends = typeof ttl === 'number' && ttl > 0;
    const wait = ends ? ttl * 1000 : Number.POSITIVE_INFINITY;
    this.#token = token;
    this.#endsAt = Date.now() + wait;
    this.#renewAt = ends && renewable === true ? Date.now() + soon((wait * 2) / 3) : Number.POSITIVE_INFINITY;
  }

  async #credentialsOf(login: Exclude<VaultLogin, { method: 'token' }>): Promise<Record<string, string>> {
    if (login.method === 'kubernetes') {
      const jwt = await this.#read(login.jwt ?? { file: serviceAccount }, 'jwt');
      return { role: login.role, jwt };
    }
    const roleId = await this.#read(login.roleId, 'roleId');
    if (login.secretId === undefined) return { role_id: roleId };
    return { role_id: roleId, secret_id: await this.#read(login.secretId, 'secretId') };
  }

  #read(secret: Secret, name: string): Promise<string> {
    return readSecret(secret, `login.${name}`, this.#signal);
  }

  #ask(call: Call): Promise<Answer> {
    return callVault(this.#options, call, this.#signal);
  }
}
