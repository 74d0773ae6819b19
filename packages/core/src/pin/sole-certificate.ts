import { findService } from './resolve.ts';
import type { Table } from './table.ts';

/**
 * The certificate that calls present wherever they present one at all: the service's, or the only one that any
 * host rule names. `undefined` where that depends on the host.
 *
 * @throws `ERR_CLIENTCERT_SERVICE_UNKNOWN`
 */
export function soleCertificate(table: Table, service?: string | false | undefined): string | undefined {
  if (service === false) return undefined;
  const own = service === undefined ? undefined : findService(table, service).rule.certificate;
  if (own !== undefined) return own || undefined;
  const { hosts, default: fallback } = table.pins;
  const names = new Set([...hosts, fallback].map((rule) => rule?.certificate || undefined));
  names.delete(undefined);
  const [name] = names;
  return names.size === 1 ? name : undefined;
}
