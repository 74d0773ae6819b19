import { ClientCertificateError } from '@clientcert/core';
import { failure, safe, wrap } from './text.ts';

/** Everything that an error is about: each finding of a config, each certificate that failed. */
export function reportFailure(error: ClientCertificateError, json: boolean | undefined): void {
  const errors = error.cause instanceof AggregateError ? (error.cause.errors as unknown[]) : [error];
  const known = errors.filter((each) => each instanceof ClientCertificateError);
  if (json) {
    console.log(JSON.stringify({ ok: false, errors: known.map(describe) }, null, 2));
    return;
  }
  for (const each of known) {
    console.error(
      failure(
        each.issues && each.issues.length > 1
          ? { ...describe(each), message: `${each.issues.length} things are wrong with the config:` }
          : describe(each),
      ),
    );
    if (each.issues && each.issues.length > 1) {
      for (const { path, message } of each.issues) {
        console.error(
          wrap(`${path.length > 0 ? `${safe(path.join('.'))}: ` : ''}${safe(message)}`, '  - ', '    '),
        );
      }
    }
  }
}

function describe({ code, message, hint, issues }: ClientCertificateError): {
  code: string;
  message: string;
  hint?: string;
  issues?: unknown;
} {
  return { code, message, ...(hint !== undefined && { hint }), ...(issues !== undefined && { issues }) };
}
