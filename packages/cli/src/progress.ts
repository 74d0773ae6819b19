import { safe } from './text.ts';

/**
 * Says on the last line of a terminal what is under way and for how long, from half a second on; nothing is left of it
 * where the work is done. What stands in `work` asks nothing at the terminal.
 */
export async function during<Result>(
  what: string,
  work: () => Promise<Result>,
  stream: NodeJS.WriteStream = process.stderr,
): Promise<Result> {
  if (!stream.isTTY || process.env.TERM === 'dumb') return await work();
  const begin = performance.now();
  let shown = false;
  const show = () => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    const line = `${safe(what)} …${seconds > 0 ? ` ${seconds} s` : ''}`;
    // A line that is broken in two could not be taken back.
    stream.write(`${ERASED}${line.slice(0, (stream.columns || 80) - 1)}`);
    shown = true;
  };
  const first = setTimeout(show, 500);
  const again = setInterval(show, 1000);
  try {
    return await work();
  } finally {
    clearTimeout(first);
    clearInterval(again);
    if (shown) stream.write(ERASED);
  }
}

/** ECMA-48: to the first column, and the line erased. */
const ERASED = '\r\x1b[2K';
