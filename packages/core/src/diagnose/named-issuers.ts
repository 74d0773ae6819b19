import type { Facts } from './facts.ts';

/** Whether the server named an issuer of what is presented; `undefined` where it named none. */
export function isNamed({ certificate, issuers = [] }: Facts): boolean | undefined {
  if (!certificate || issuers.length === 0) return undefined;
  const named = new Set(issuers.map(fold));
  return certificate.issuers.some((issuer) => named.has(fold(issuer)));
}

/** Case and blanks make no difference in names (RFC 5280, section 7.1). */
function fold(name: string): string {
  // To put accents in order takes as long as the square of how many stand on one letter; no name is as long.
  if (name.length > 4096) return name;
  return name
    .normalize('NFKC')
    .toLowerCase()
    .trim()
    .replace(/[^\S\n]+/g, ' ');
}
