import type { Credentials } from '@clientcert/core';

export interface RuleWarning {
  readonly code: 'RULE_WIDE';
  readonly message: string;
}

/**
 * Rules that send a certificate to more hosts than was probably meant. One that no call reaches does not exist: of two
 * rules the narrower wins, and two of the same width are a conflict, which refuses the config.
 */
export function warnOfRules(credentials: Credentials): RuleWarning[] {
  return credentials.rules().flatMap(({ rule, certificate }) => {
    const reach = typeof certificate === 'string' ? reachOf(rule) : undefined;
    if (reach === undefined) return [];
    return [{ code: 'RULE_WIDE', message: `${rule}: certificate "${certificate}" is presented to ${reach}` }];
  });
}

/** What a rule reaches, where that is wide. */
function reachOf(rule: string): string | undefined {
  if (rule === 'default') return 'every https host that asks and has no rule';
  const suffix = /^hosts\["\*\.([^.:]+)(?::(?:\d+|\*))?"\]$/.exec(rule)?.[1];
  return suffix && `every host directly under "${suffix}"`;
}
