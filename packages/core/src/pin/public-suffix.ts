import { inTurns } from '../load/turn.ts';
import type { HostPattern } from './pattern.ts';

/**
 * Which of these wildcards stand directly over a listed public suffix, ICANN's or private (`*.co.uk`,
 * `*.github.io`): each would hand the certificate to hosts of unrelated owners.
 *
 * The list is a large module: it is imported only where there is a wildcard to look at.
 *
 * @see https://publicsuffix.org/list/
 */
export async function findPublicSuffixes(
  patterns: readonly HostPattern[],
): Promise<ReadonlySet<HostPattern>> {
  const wildcards = patterns.filter(({ wildcard }) => wildcard);
  if (wildcards.length === 0) return new Set();
  const { parse } = await import('tldts');
  const found = new Set<HostPattern>();
  await inTurns(wildcards, (pattern) => {
    const { publicSuffix, isIcann, isPrivate } = parse(pattern.host, OPTIONS);
    if (publicSuffix === pattern.host && (isIcann === true || isPrivate === true)) found.add(pattern);
  });
  return found;
}

const OPTIONS = { allowPrivateDomains: true, extractHostname: false, validateHostname: false } as const;
