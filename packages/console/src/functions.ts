import type { Download } from './downloads.ts';

/**
 * One thing that the page can ask for. The server knows nothing of what it does: it hands over the body of the request
 * and passes the answer on.
 *
 * @param input What the page sent, as JSON: trust nothing of it.
 * @param tell Tells the page how far it has come.
 * @param signal Aborted where the page no longer waits.
 */
export type ConsoleFunction = (
  input: unknown,
  tell: (progress: object) => void,
  signal: AbortSignal,
) => Promise<object | Download>;

/** What the page can do, by name. */
export interface ConsoleFunctions {
  /** What changes nothing on the machine. */
  readonly reading: Readonly<Record<string, ConsoleFunction>>;
  /** What writes files: refused unless the console was started for that. */
  readonly writing: Readonly<Record<string, ConsoleFunction>>;
  /** What a person is told of an error of a function: never a stack, a key or a passphrase. */
  readonly explain: (error: unknown) => readonly Failure[];
}

/** What went wrong, as the page shows it. */
export interface Failure {
  /** Stable, where there is one. */
  readonly code?: string | undefined;
  /** What happened. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** Where in a config it is, and what; more than one where several things are wrong. */
  readonly issues?:
    | readonly { readonly path: readonly (string | number)[]; readonly message: string }[]
    | undefined;
}
