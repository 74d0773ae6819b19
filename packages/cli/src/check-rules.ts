import type { Credentials } from '@clientcert/core';

export interface RuleWarning {
  readonly code: 'RULE_UNREACHABLE' | 'RULE_WIDE';
  readonly message: string;
}

/** Rules that no call can reach, and rules that present a certificate to more than was probably meant. */
export function warnOfRules(credentials: Credentials): RuleWarning[] {
  return credentials.rules().flatMap(({ rule, certificate }) => {
    const presents = typeof certificate === 'string';
    if (rule === 'default') {
      const message = `default: certificate "${certificate}" is presented to every https host that asks and has no rule`;
      return presents ? [{ code: 'RULE_WIDE', message }] : [];
    }
    const pattern = patternOf(rule);
    if (pattern === undefined) return [];
    const found: RuleWarning[] = [];
    const winner = winnerOf(credentials, pattern);
    if (winner !== undefined && winner !== rule)
      found.push({ code: 'RULE_UNREACHABLE', message: `${rule}: no call reaches it, ${winner} wins` });
    if (presents && /^\*\.[^.]+$/.test(pattern.host))
      found.push({
        code: 'RULE_WIDE',
        message: `${rule}: certificate "${certificate}" is presented to every host directly under "${pattern.host.slice(2)}"`,
      });
    return found;
  });
}

/** `hosts["*.tax.example:8443"]` taken apart. */
function patternOf(rule: string): { host: string; port: string | undefined } | undefined {
  const text = /^hosts\["(.*)"\]$/.exec(rule)?.[1];
  if (text === undefined) return undefined;
  const [, host = text, port] = /^(\[.*\]|[^:]*)(?::(\d+|\*))?$/.exec(text) ?? [];
  return { host, port };
}

/** The rule that decides for a host that the pattern is for. Any port: one that no rule is likely to name. */
function winnerOf(
  credentials: Credentials,
  { host, port }: { host: string; port: string | undefined },
): string | undefined {
  try {
    return credentials.resolve({
      host: host.replace(/^\*/, 'any-host-that-no-rule-names').replace(/^\[|\]$/g, ''),
      port: port === '*' ? 49_151 : (port ?? 443),
    }).rule;
  } catch {
    return undefined;
  }
}
