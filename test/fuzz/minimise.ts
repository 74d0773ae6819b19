/**
 * A smaller input that still fails: pieces are left out, from halves down to single bytes, and what stays is brought to
 * zeros where that makes no difference.
 *
 * @param most How often it may be tried.
 */
export async function minimise(
  input: Buffer,
  fails: (smaller: Buffer) => Promise<boolean>,
  most = 1500,
): Promise<Buffer> {
  let best = input;
  let left = most;
  for (
    let size = Math.ceil(best.length / 2);
    size >= 1 && left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.length && left > 0; left--) {
      const smaller = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (await fails(smaller)) best = smaller;
      else at += size;
    }
  }
  return best;
}
