import { ClientCertificateError, type ClientCertificateErrorCode, type PassphraseOf } from '../errors.ts';

type LoadCode =
  | 'FILE_NOT_FOUND'
  | 'FILE_UNREADABLE'
  | 'FILE_EMPTY'
  | 'FILE_TOO_LARGE'
  | 'FILE_CORRUPT'
  | 'FORMAT_UNKNOWN'
  | 'FORMAT_UNSUPPORTED'
  | 'PASSPHRASE_MISSING'
  | 'PASSPHRASE_WRONG'
  | 'KEY_MISSING'
  | 'CERTIFICATE_MISSING'
  | 'KEY_MISMATCH'
  | 'IDENTITY_AMBIGUOUS'
  | 'IDENTITY_NOT_FOUND'
  | 'KDF_TOO_EXPENSIVE'
  | 'PROVIDER_MISSING'
  | 'ENGINE_FAILED'
  | 'MODULE_MISSING'
  | 'TOKEN_NOT_FOUND'
  | 'TOKEN_KEY_NOT_FOUND'
  | 'TOKEN_FAILED'
  | 'PIN_MISSING'
  | 'PIN_WRONG'
  | 'CONFIG_INVALID';

/** A failure that does not know yet which certificate and file it is about; {@link explainAs} adds that. */
export class Problem extends Error {
  readonly code: ClientCertificateErrorCode;
  readonly hint: string | undefined;
  /** Where a passphrase is missing or wrong: whose. */
  readonly passphraseOf: PassphraseOf | undefined;

  constructor(code: LoadCode, text: string, hint?: string, cause?: unknown, passphraseOf?: PassphraseOf) {
    super(text, cause === undefined ? undefined : { cause });
    this.code = `ERR_CLIENTCERT_${code}`;
    this.hint = hint;
    this.passphraseOf = passphraseOf;
  }

  /** The same failure, with where in the file it is behind it. */
  at(place: string): Problem {
    return this.retold(Problem, { message: `${this.message}${place}` });
  }

  /** The same failure, with more advice. */
  advising(advice: string): Problem {
    return this.retold(Problem, { hint: `${this.hint ?? ''} ${advice}`.trim() });
  }

  /** The same failure, with the part of the source it is about in front. */
  about(part: string): PartProblem {
    return this.retold(PartProblem, { message: `${part}: ${this.message}` });
  }

  /** The same failure, where it is of the store that is trusted and not of the certificate. */
  ofTruststore(): Problem {
    return this.passphraseOf ? this.retold(Problem, { passphraseOf: { what: 'truststore' } }) : this;
  }

  private retold(
    Kind: typeof Problem,
    change: Partial<Pick<Problem, 'message' | 'hint' | 'passphraseOf'>>,
  ): Problem {
    const { code, message, hint, cause, passphraseOf } = {
      ...this,
      message: this.message,
      cause: this.cause,
      ...change,
    };
    return new Kind(code.slice(prefix.length) as LoadCode, message, hint, cause, passphraseOf);
  }
}

/** A failure that names the one file, of several, that it is about. */
export class PartProblem extends Problem {}

const prefix = 'ERR_CLIENTCERT_';

export function corrupt(what: string, hint: string = damaged): Problem {
  return new Problem('FILE_CORRUPT', what, hint);
}

/** A name out of a file, as messages print it: short, and without anything a terminal would act on. */
export function quote(name: string): string {
  return `"${name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?').slice(0, 80)}"`;
}

const damaged = 'The file is damaged or incomplete: copy it again, in binary mode, or ask for a new one.';

/**
 * What users see: the failure with the certificate and file it is about in front. Anything that is not a
 * {@link Problem} comes from bytes that no branch foresaw (an OpenSSL refusal, a length out of range), so the
 * file is reported as corrupt, with the error underneath.
 */
export function explainAs(label: string, error: unknown): ClientCertificateError {
  if (error instanceof ClientCertificateError) return error;
  if (error instanceof Problem) return explain(error, `${label}: `);
  return new ClientCertificateError('ERR_CLIENTCERT_FILE_CORRUPT', `${label}: cannot be parsed`, {
    hint: damaged,
    cause: error,
  });
}

/** The same, without anything in front where the failure says itself what it is about. */
export function explain(
  { code, message, hint, cause, passphraseOf }: Problem,
  before = '',
): ClientCertificateError {
  return new ClientCertificateError(code, `${before}${message}`, { hint, cause, passphraseOf });
}
