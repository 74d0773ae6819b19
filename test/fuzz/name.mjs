import { createHash } from 'node:crypto';

/**
 * A name for a file that holds an input.
 *
 * @param {Uint8Array} input
 */
export function nameFor(input) {
  return createHash('sha256').update(input).digest('hex').slice(0, 12);
}
