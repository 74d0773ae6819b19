import type { BaseIssue } from 'valibot';
import { ClientCertificateError, type ConfigIssue } from '../errors.ts';
import { inTurns } from '../load/turn.ts';
import { formatPath, type Issue, showPath } from '../pin/issue.ts';
import { PROMISE } from './shape.ts';

/**
 * One error for everything that is wrong with a config. Its code is that of the issues where they agree,
 * else `ERR_CLIENTCERT_CONFIG_INVALID`; `issues` holds each of them.
 *
 * @param name What the config is called: its file, or `the config`.
 */
export function configError(
  issues: readonly Issue[],
  name: string,
  shown: readonly ConfigIssue[] = issues.map(issueOf),
): ClientCertificateError {
  const codes = new Set(issues.map(({ code }) => code));
  const [only] = codes;
  const code = codes.size === 1 && only !== undefined ? only : 'ERR_CLIENTCERT_CONFIG_INVALID';
  const lines = issues
    .slice(0, MOST_LINES)
    .map(({ path, message }) => (path.length === 0 ? message : `${formatPath(path)}: ${message}`));
  if (issues.length > MOST_LINES) lines.push(`and ${issues.length - MOST_LINES} more, in \`issues\``);
  const message =
    lines.length === 1
      ? `${name}: ${lines[0]}`
      : `${name} has ${issues.length} errors:\n${lines.map((line) => `  - ${line}`).join('\n')}`;
  return new ClientCertificateError(code, message, {
    hint: HINTS.get(code) ?? 'Correct what is listed; nothing of this config has been used.',
    issues: shown,
  });
}

/** The same for any number of issues, which leave the event loop its turns. */
export async function configErrorOfMany(
  issues: readonly Issue[],
  name: string,
): Promise<ClientCertificateError> {
  const shown: ConfigIssue[] = [];
  await inTurns(issues, (issue) => {
    shown.push(issueOf(issue));
  });
  return configError(issues, name, shown);
}

function issueOf({ path, message }: Issue): ConfigIssue {
  return { path: showPath(path), message };
}

/** More than anybody reads at once. */
const MOST_LINES = 100;

const HINTS: ReadonlyMap<string, string> = new Map([
  [
    'ERR_CLIENTCERT_HOST_INVALID',
    'A host is written as "api.bank.example" (port 443), "api.bank.example:8443", "api.bank.example:*" (any port) or "*.bank.example" (one label).',
  ],
  ['ERR_CLIENTCERT_RULE_CONFLICT', 'Keep one rule for each target.'],
  ['ERR_CLIENTCERT_CERTIFICATE_UNKNOWN', 'Rules name certificates by their keys under `certificates`.'],
  [
    'ERR_CLIENTCERT_VERIFICATION_OFF',
    'Trust a private root with `ca` instead; an unverified server may be anyone.',
  ],
]);

/**
 * What valibot found, told by the messages of the schema: valibot's own would repeat the value, which may be secret.
 */
export function readIssues(issues: readonly BaseIssue<unknown>[], path: Issue['path'] = []): Issue[] {
  return issues.flatMap((issue) => readIssue(issue, path));
}

function readIssue(issue: BaseIssue<unknown>, parent: readonly (string | number)[]): Issue[] {
  const path = [...parent, ...(issue.path ?? []).map(({ key }) => key as string | number)];
  if (issue.input === PROMISE)
    return [
      { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: 'is a promise: write `await` before it' },
    ];
  // A union whose author wrote an object or a list is wrong where that object or list is wrong.
  const inner = issue.type === 'union' ? (issue.issues ?? []).filter(isInner) : [];
  if (inner.length > 0) return inner.flatMap((each) => readIssue(each, path));
  if (issue.expected === 'never') return []; // reported by `findUnknownKeys`
  const missing = issue.type === 'strict_object' && issue.expected?.startsWith('"') === true;
  const message = missing ? 'is missing' : issue.message;
  return [{ code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message }];
}

/** Below the root of a union's option, or about its contents rather than its type. */
function isInner(issue: BaseIssue<unknown>): boolean {
  return (
    (issue.path?.length ?? 0) > 0 ||
    issue.kind === 'validation' ||
    (issue.type === 'union' && (issue.issues ?? []).some(isInner))
  );
}
