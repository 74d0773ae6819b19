import { realpath } from 'node:fs/promises';
import type { Config } from '../types.ts';
import type { Work } from './budget.ts';

/** What a source's paths and names refer to, and the directories that were resolved while reading it. */
export interface Surroundings {
  readonly baseDirectory: string;
  readonly env: NodeJS.ProcessEnv;
  /**
   * Real paths of directories. Each is resolved once per reading, so that two files of a mounted secret come
   * from the same version of it, however often its `..data` link moves meanwhile.
   */
  readonly directories: Map<string, Promise<string>>;
  /** Every file that was read, in order. */
  readonly files: ReadFile[];
  /** What was done for all that was read. */
  readonly work: Work;
  /** Ends the reading. */
  readonly signal: AbortSignal | undefined;
}

/** Where and for whom a source is read. */
export interface ReadContext {
  /** The certificate's name in the config, for messages. */
  readonly name?: string | undefined;
  /** What relative paths start at; the working directory unless written. */
  readonly baseDirectory?: string | undefined;
  /** Where `{ env }` is looked up; the process' environment unless written. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** From when on a certificate is said to be expiring, as in a config. */
  readonly expiryWarningDays?: Config['expiryWarningDays'];
  /** Ends the reading; it is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A file that was really read. `path` is what a watcher should watch; `realpath` is where it led. */
export interface ReadFile {
  readonly path: string;
  readonly realpath: string;
  /** Differs, when it is asked for again, where the file has changed meanwhile. */
  readonly state: string;
}

/** @param context Of which only its own options count: what every object inherits would say where secrets are looked up. */
export function createSurroundings(context: ReadContext): Surroundings {
  const own: ReadContext & { __proto__: null } = { __proto__: null, ...context };
  const { baseDirectory = process.cwd(), env = process.env, signal } = own;
  return { baseDirectory, env, directories: new Map(), files: [], work: { units: 0 }, signal };
}

/** Whether a directory that was resolved is another by now. */
export async function hasMoved({ directories }: Surroundings): Promise<boolean> {
  const found = await Promise.all(
    [...directories].map(async ([path, resolved]) => {
      const [before, now] = await Promise.allSettled([resolved, realpath(path)]);
      return before.status === 'fulfilled' && (now.status === 'rejected' || now.value !== before.value);
    }),
  );
  return found.includes(true);
}
