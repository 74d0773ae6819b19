import { createHash, randomBytes } from 'node:crypto';
import type { Problem } from './problem.ts';

/**
 * A token locks itself after a few wrong PINs, three on many. So what did not open it is not tried again in this
 * process, however often a certificate is read again, until the PIN is another, or what can be seen of the token
 * without one is: it was not plugged in, say.
 */
export class Attempt {
  /** Another for each PIN and token; nothing can be told from it. */
  readonly mark: string;
  readonly #look: () => string;

  /**
   * @param key What is opened, and `pin` what with; neither is kept.
   * @param look What can be seen of the token without a PIN.
   */
  constructor(key: string, pin: string, look: () => string) {
    this.mark = createHash('sha256')
      .update(salt)
      .update(JSON.stringify([key, pin]))
      .digest('base64');
    this.#look = look;
  }

  /** @throws the earlier failure, where trying again would be the same try again */
  check(): void {
    const failed = failures.get(this.mark);
    if (failed === undefined) return;
    if (failed.seen === this.#look())
      throw failed.problem.advising('It is not tried again until the PIN or the token changes.');
    failures.delete(this.mark);
  }

  failed(problem: Problem): Problem {
    failures.set(this.mark, { problem, seen: this.#look() });
    return problem;
  }
}

const salt = randomBytes(32);
const failures = new Map<string, { readonly problem: Problem; readonly seen: string }>();
