import { ClientCertificateError, type ClientCertificateErrorCode } from '../errors.ts';

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
  | 'CONFIG_INVALID';

/** A failure that does not know yet which certificate and file it is about; {@link explainAs} adds that. */
export class Problem extends Error {
  readonly code: ClientCertificateErrorCode;
  readonly hint: string | undefined;

  constructor(code: LoadCode, text: string, hint?: string, cause?: unknown) {
    super(text, cause === undefined ? undefined : { cause });
    this.code = `ERR_CLIENTCERT_${code}`;
    this.hint = hint;
  }

  /** The same failure, with the part it is about in front. */
  about(label: string): Problem {
    const code = this.code.slice(prefix.length) as LoadCode;
    return new Problem(code, `${label}: ${this.message}`, this.hint, this.cause);
  }
}

const prefix = 'ERR_CLIENTCERT_';

export function corrupt(what: string, hint: string = damaged): Problem {
  return new Problem('FILE_CORRUPT', what, hint);
}

const damaged = 'The file is damaged or incomplete: copy it again, in binary mode, or ask for a new one.';

/**
 * What users see: the failure with the certificate and file it is about in front. Anything that is not a
 * {@link Problem} comes from bytes that no branch foresaw (an OpenSSL refusal, a length out of range), so the
 * file is reported as corrupt, with the error underneath.
 */
export function explainAs(label: string, error: unknown): ClientCertificateError {
  if (error instanceof ClientCertificateError) return error;
  if (error instanceof Problem)
    return new ClientCertificateError(error.code, `${label}: ${error.message}`, {
      hint: error.hint,
      cause: error.cause,
    });
  return new ClientCertificateError('ERR_CLIENTCERT_FILE_CORRUPT', `${label}: cannot be parsed`, {
    hint: damaged,
    cause: error,
  });
}
