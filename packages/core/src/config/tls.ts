import type { Issue } from '../pin/issue.ts';
import type { TlsPin, TlsRange, TlsVersion } from '../types.ts';

const ORDER: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** A TLS pin as the range that it means; anything below TLS 1.2 has to say `legacy: true`. */
export function checkTls(
  pin: TlsPin,
  path: readonly (string | number)[],
): { value: TlsRange } | { issues: readonly Issue[] } {
  const fail = (message: string, key?: string): { issues: Issue[] } => ({
    issues: [
      { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path: key === undefined ? path : [...path, key], message },
    ],
  });
  if (typeof pin === 'string') return { value: toRange(pin, pin, false) };
  if (pin.min === undefined && pin.max === undefined && pin.legacy === undefined) {
    return fail('says nothing: write "TLSv1.2", or { min, max }');
  }
  const legacy = pin.legacy ?? false;
  const max = pin.max ?? 'TLSv1.3';
  // Nobody who allows no more than TLS 1.1 means a lowest version above it.
  const min = pin.min ?? (isOld(max) ? 'TLSv1' : 'TLSv1.2');
  const old = (['min', 'max'] as const).find((key) => pin[key] !== undefined && isOld(pin[key]));
  if (old !== undefined && !legacy) {
    return fail(`${pin[old]} is broken and off: add \`legacy: true\` if this server has nothing better`, old);
  }
  if (ORDER.indexOf(min) > ORDER.indexOf(max)) {
    return fail(`no version is both at least ${min} and at most ${max}`);
  }
  return { value: toRange(min, max, legacy) };
}

function toRange(min: TlsVersion, max: TlsVersion, legacy: boolean): TlsRange {
  return Object.freeze({ min, max, legacy });
}

function isOld(version: TlsVersion): boolean {
  return ORDER.indexOf(version) < ORDER.indexOf('TLSv1.2');
}
