import type { ClientCertificateErrorCode } from '../errors.ts';
import { kindOfTrustDomain } from '../load/spiffe-id.ts';
import { type Kind, quote, show } from '../quote.ts';

/** One thing wrong with a config: it stops the config from being used. */
export interface Issue {
  readonly code: ClientCertificateErrorCode;
  /** Where in the config, e.g. `['hosts', 'api.bank.example']`. */
  readonly path: Path;
  readonly message: string;
}

export type Path = readonly (string | number)[];

/** A path as people write it: `hosts["api.bank.example"].tls.min`, `services["A.B"].hosts[0]`. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const kind = kindOf(path, index);
      if (kind !== 'option' || !/^[A-Za-z_$][\w$]*$/.test(step)) return `[${quote(step, kind)}]`;
      return `${index === 0 ? '' : '.'}${show(step, kind)}`;
    })
    .join('');
}

/** A path as it may be handed on: without keys that may be something else than the names they stand for. */
export function showPath(path: Path): Path {
  return path.map((step, index) => (typeof step === 'number' ? step : show(step, kindOf(path, index))));
}

function kindOf(path: Path, index: number): Kind {
  if (index === 3 && path[2] === 'bundles') return kindOfTrustDomain(`${path[index]}`);
  return (index === 1 && NAMED.get(path[0]!)) || 'option';
}

/** The options whose keys are names that the user chose: these are always shown in brackets. */
const NAMED: ReadonlyMap<string | number, Kind> = new Map([
  ['certificates', 'chosen'],
  ['hosts', 'host'],
  ['services', 'chosen'],
  // Mendix's settings, by the names of web services and hosts
  ['ClientCertificateUsages', 'host'],
  ['NoClientCertificateUsages', 'host'],
]);
