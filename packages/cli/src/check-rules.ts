import type { Credentials } from '@clientcert/core';

export interface RuleWarning {
  readonly code: 'RULE_UNREACHABLE' | 'RULE_WIDE';
  readonly message: string;
}

/** Rules that no call can reach, and rules that present a certificate to more than was probably meant. */
export function warnOfRules(credentials: Credentials): RuleWarning[] {
  const rules = credentials.rules();
  const unnamed = portOfNone(rules.map(({ rule }) => patternOf(rule)?.port));
  return rules.flatMap(({ rule, certificate }) => {
    const presents = typeof certificate === 'string';
    if (rule === 'default') {
      const message = `default: certificate "${certificate}" is presented to every https host that asks and has no rule`;
      return presents ? [{ code: 'RULE_WIDE', message }] : [];
    }
    const pattern = patternOf(rule);
    if (pattern === undefined) return [];
    const found: RuleWarning[] = [];
    const winner = winnerOf(credentials, pattern, unnamed);
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

function portOfNone(named: readonly (string | undefined)[]): number {
  const taken = new Set(named.map(Number));
  let port = 65_535;
  while (taken.has(port)) port--;
  return port;
}

/** The rule that decides for a host that the pattern is for; for any port, at one that no rule names. */
function winnerOf(
  credentials: Credentials,
  { host, port }: { host: string; port: string | undefined },
  unnamed: number,
): string | undefined {
  try {
    return credentials.resolve({
      host: host.replace(/^\*/, 'any-host-that-no-rule-names').replace(/^\[|\]$/g, ''),
      port: port === '*' ? unnamed : (port ?? 443),
    }).rule;
  } catch {
    return undefined;
  }
}
