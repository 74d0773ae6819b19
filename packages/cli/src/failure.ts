import { ClientCertificateError } from '@clientcert/core';
import { failure, printJson, safe, wrap } from './text.ts';

/** What went wrong, as it is told. */
export interface Failure {
  code?: string | undefined;
  message: string;
  hint?: string | undefined;
  issues?: ClientCertificateError['issues'] | undefined;
}

/** Everything that an error is about: each issue of a config, each certificate that failed. */
export function reportFailure(error: Failure & { cause?: unknown }, json: boolean | undefined): void {
  const all = failuresIn(error);
  if (json) {
    printJson({ ok: false, errors: all.map(describe) });
    return;
  }
  for (const each of all) {
    const issues = each.issues && each.issues.length > 1 ? each.issues : undefined;
    const message = issues ? `${issues.length} things are wrong with the config:` : each.message;
    console.error(failure({ ...describe(each), message }));
    for (const { path, message } of issues ?? []) {
      console.error(
        wrap(`${path.length > 0 ? `${safe(path.join('.'))}: ` : ''}${safe(message)}`, '  - ', '    '),
      );
    }
  }
}

/** An error, or each of those that it brings together. */
export function failuresIn(error: Failure & { cause?: unknown }): readonly Failure[] {
  const errors = error.cause instanceof AggregateError ? (error.cause.errors as unknown[]) : [];
  const known = errors.filter((each) => each instanceof ClientCertificateError);
  return known.length > 0 ? known : [error];
}

export function describe({ code, message, hint, issues }: Failure): {
  code?: string;
  message: string;
  hint?: string;
  issues?: NonNullable<ClientCertificateError['issues']>;
} {
  return {
    ...(code !== undefined && { code }),
    message,
    ...(hint !== undefined && { hint }),
    ...(issues !== undefined && { issues }),
  };
}
