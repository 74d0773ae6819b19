import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from './problem.ts';

/**
 * A file with a PIN in it, for as long as `use` runs. An engine prints the URI of a key that it does not find, with a PIN
 * that stands there; what a file holds it does not. This one has no name by the time that something is written to it.
 */
export function withPinFile<Result>(pin: string, use: (path: string) => Result): Result {
  const file = openNameless();
  try {
    writeSync(file, pin, 0);
    return use(`/dev/fd/${file}`);
  } finally {
    ftruncateSync(file);
    closeSync(file);
  }
}

/** In memory where there is such a place. */
function openNameless(): number {
  let cause: unknown;
  for (const directory of ['/dev/shm', tmpdir()]) {
    const path = join(directory, `clientcert-${randomUUID()}`);
    try {
      const file = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return file;
    } catch (error) {
      cause = error;
    }
  }
  throw new Problem(
    'ENGINE_FAILED',
    'the engine reads its PIN from a file, and neither /dev/shm nor the directory of temporary files can be written to',
    'Set TMPDIR to a directory that this process may write to.',
    cause,
  );
}
