import type { ClientCertificateErrorCode } from '../errors.ts';

/** One thing wrong with a config: it stops the config from being used. */
export interface Finding {
  readonly code: ClientCertificateErrorCode;
  /** Where in the config, e.g. `['hosts', 'api.bank.example']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A path as people write it: `hosts["api.bank.example"].tls.min`, `services["A.B"].hosts[0]`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const named = index === 1 && NAMED.has(String(path[0]));
      if (named || !/^[A-Za-z_$][\w$]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** The options whose keys are names that the user chose: these are always shown in brackets. */
const NAMED: ReadonlySet<string> = new Set(['certificates', 'hosts', 'services']);
