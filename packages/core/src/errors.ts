import { isNativeError } from 'node:util/types';

/** Every code that a {@link ClientCertificateError} can carry. None is ever reused for something else. */
export type ClientCertificateErrorCode =
  // files
  | 'ERR_CLIENTCERT_FILE_NOT_FOUND'
  | 'ERR_CLIENTCERT_FILE_UNREADABLE'
  | 'ERR_CLIENTCERT_FILE_EMPTY'
  | 'ERR_CLIENTCERT_FILE_TOO_LARGE'
  | 'ERR_CLIENTCERT_FILE_CORRUPT'
  | 'ERR_CLIENTCERT_FORMAT_UNKNOWN'
  | 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED'
  | 'ERR_CLIENTCERT_PASSPHRASE_MISSING'
  | 'ERR_CLIENTCERT_PASSPHRASE_WRONG'
  | 'ERR_CLIENTCERT_KEY_MISSING'
  | 'ERR_CLIENTCERT_CERTIFICATE_MISSING'
  | 'ERR_CLIENTCERT_KEY_MISMATCH'
  | 'ERR_CLIENTCERT_IDENTITY_AMBIGUOUS'
  | 'ERR_CLIENTCERT_IDENTITY_NOT_FOUND'
  | 'ERR_CLIENTCERT_KDF_TOO_EXPENSIVE'
  // keys on tokens
  | 'ERR_CLIENTCERT_PROVIDER_MISSING'
  | 'ERR_CLIENTCERT_ENGINE_FAILED'
  | 'ERR_CLIENTCERT_MODULE_MISSING'
  | 'ERR_CLIENTCERT_TOKEN_NOT_FOUND'
  | 'ERR_CLIENTCERT_TOKEN_KEY_NOT_FOUND'
  | 'ERR_CLIENTCERT_TOKEN_FAILED'
  | 'ERR_CLIENTCERT_PIN_MISSING'
  | 'ERR_CLIENTCERT_PIN_WRONG'
  // renewals
  | 'ERR_CLIENTCERT_RENEWAL_REJECTED'
  // config
  | 'ERR_CLIENTCERT_CONFIG_INVALID'
  | 'ERR_CLIENTCERT_CONFIG_NOT_FOUND'
  | 'ERR_CLIENTCERT_HOST_INVALID'
  | 'ERR_CLIENTCERT_RULE_CONFLICT'
  | 'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN'
  | 'ERR_CLIENTCERT_SERVICE_UNKNOWN'
  // connections
  | 'ERR_CLIENTCERT_AGENT_CONFLICT'
  | 'ERR_CLIENTCERT_ORIGIN_NEEDED'
  | 'ERR_CLIENTCERT_DOWNGRADE'
  | 'ERR_CLIENTCERT_NOT_REQUESTED'
  | 'ERR_CLIENTCERT_SERVER_KEY_MISMATCH'
  | 'ERR_CLIENTCERT_SERVER_ID_MISMATCH'
  | 'ERR_CLIENTCERT_BUNDLE_MISSING'
  | 'ERR_CLIENTCERT_PROXY_FAILED'
  | 'ERR_CLIENTCERT_PROXY_UNSUPPORTED'
  | 'ERR_CLIENTCERT_VERIFICATION_OFF'
  | 'ERR_CLIENTCERT_CERTIFICATE_REFUSED'
  | 'ERR_CLIENTCERT_CLOSED'
  | 'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED'
  // messages
  | 'ERR_CLIENTCERT_SIGNATURE_REFUSED'
  | 'ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED';

/** One thing that is wrong with a config: where it is (`['hosts', 'api.bank.example']`) and what it is. */
export interface ConfigIssue {
  /** The way to it: keys, and indexes of lists. */
  path: readonly (string | number)[];
  /** What is wrong, without the path. */
  message: string;
}

/** Whose passphrase is missing or wrong, for programs that ask a person for it. */
export interface PassphraseOf {
  /**
   * - `file`: the file's, given as `passphrase`.
   * - `key`: that of one key in a store that `passphrase` opens, given as `keyPassphrase`.
   * - `truststore`: that of a store which is trusted, given as `ca: { file, passphrase }`.
   */
  readonly what: 'file' | 'key' | 'truststore';
  /** What the key is called in the store, where it is called something. */
  readonly alias?: string | undefined;
}

export interface ClientCertificateErrorOptions {
  /** What the reader of the message should do next: one or two sentences, or a command. */
  hint?: string | undefined;
  cause?: unknown;
  issues?: readonly ConfigIssue[] | undefined;
  passphraseOf?: PassphraseOf | undefined;
}

const brand = Symbol.for('clientcert.ClientCertificateError');

/**
 * The one error this project throws. `code` is stable, `message` names the certificate, file or rule
 * it is about, `hint` says what to do. It never carries a key, a passphrase or the bytes of a file.
 *
 * `instanceof` holds across duplicate copies of the package.
 *
 * @example
 * import { ClientCertificateError, loadCredentials } from '@clientcert/core';
 * try {
 *   await loadCredentials('clientcert.json');
 * } catch (error) {
 *   if (error instanceof ClientCertificateError) console.error(error.code, error.message, error.hint);
 * }
 */
export class ClientCertificateError extends Error {
  /** Stable: what to branch on. */
  readonly code: ClientCertificateErrorCode;
  /** What to do about it. */
  declare readonly hint?: string;
  /** With `ERR_CLIENTCERT_CONFIG_INVALID`: everything that is wrong, each with its path. */
  declare readonly issues?: readonly ConfigIssue[];
  /** With `ERR_CLIENTCERT_PASSPHRASE_MISSING` and `…_WRONG`: whose it is. */
  declare readonly passphraseOf?: PassphraseOf;

  constructor(
    code: ClientCertificateErrorCode,
    message: string,
    options: ClientCertificateErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.hint !== undefined) {
      this.hint = options.hint;
      rememberHint(keyOf(code, message), options.hint);
    }
    if (options.issues !== undefined) this.issues = options.issues;
    if (options.passphraseOf !== undefined) this.passphraseOf = options.passphraseOf;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass keeps the ordinary meaning; only the base recognises copies of itself.
    // biome-ignore lint/complexity/noThisInStatic: `this` tells the base from a subclass
    if (this !== ClientCertificateError) return Function.prototype[Symbol.hasInstance].call(this, value);
    // Not `instanceof Error`: that of another realm (a `vm` context, Jest's) is another class.
    return isNativeError(value) && brand in value;
  }

  /**
   * The error of this project in whatever a client threw: the error itself, one of its causes, one of several that
   * an `AggregateError` holds, or what a client made of it, such as a plain object with its `code` and `message`.
   * Copies of this package and realms make no difference.
   *
   * @returns `undefined` where there is none: then it is an error of the client, the server or the network.
   *
   * @example
   * import { ClientCertificateError } from '@clientcert/core';
   * try {
   *   await api.get('https://api.bank.example/accounts');
   * } catch (error) {
   *   const reason = ClientCertificateError.from(error);
   *   if (reason) console.error(reason.code, reason.message, reason.hint);
   * }
   */
  static from(error: unknown): ClientCertificateError | undefined {
    const queue: unknown[] = [error];
    const seen = new Set<unknown>();
    for (const value of queue) {
      if (typeof value !== 'object' || value === null || seen.has(value) || seen.size >= mostLookedAt)
        continue;
      seen.add(value);
      if (value instanceof ClientCertificateError) return value;
      const copied = readCopy(value);
      if (copied) return copied;
      for (const place of places) {
        const inner = readOwn(value, place);
        if (Array.isArray(inner)) queue.push(...inner.slice(0, mostLookedAt));
        else queue.push(inner);
      }
    }
    return undefined;
  }
}

/**
 * The same for one more call: clients write on what a call fails with, as axios does with where it was called from. What is
 * none of ours stays what its owner threw.
 */
export function again(error: unknown): unknown {
  return error instanceof ClientCertificateError
    ? new ClientCertificateError(error.code, error.message, error)
    : error;
}

/** Where clients and their wrappers put the error they were given. */
const places = ['cause', 'errors', 'error', 'reason', 'originalError', 'err', 'root'] as const;
const mostLookedAt = 100;

/** What a client, a log or a worker made of one: a plain object with what it said. */
function readCopy(value: object): ClientCertificateError | undefined {
  const [code, message, hint] = ['code', 'message', 'hint'].map((key) => readOwn(value, key));
  if (typeof code !== 'string' || !/^ERR_CLIENTCERT_[A-Z_]+$/.test(code)) return undefined;
  // A client's own error that took over the code alone has the whole one as its cause.
  if (typeof message !== 'string' || readOwn(value, 'cause') instanceof ClientCertificateError)
    return undefined;
  return new ClientCertificateError(code as ClientCertificateErrorCode, message, {
    hint: typeof hint === 'string' ? hint : lastHints.get(keyOf(code, message)),
    cause: value,
  });
}

/** Of the last errors: clients that copy code and message alone, as got 14.0 does, lose it. */
const lastHints = new Map<string, string>();
const mostHints = 100;

function keyOf(code: string, message: string): string {
  return `${code} ${message}`;
}

function rememberHint(key: string, hint: string): void {
  lastHints.delete(key);
  const [oldest] = lastHints.keys();
  if (oldest !== undefined && lastHints.size >= mostHints) lastHints.delete(oldest);
  lastHints.set(key, hint);
}

/** Its own, and not a getter that throws: what clients throw is anything. */
function readOwn(value: object, key: string): unknown {
  try {
    return Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
  } catch {
    return undefined;
  }
}

Object.defineProperties(ClientCertificateError.prototype, {
  name: { value: 'ClientCertificateError', configurable: true, writable: true },
  [brand]: { value: true },
});
