import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port on which nothing listens, for servers that cannot choose one and tell it. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * Waits until a program has written something, whichever of its streams it writes to, and keeps reading them: one that
 * nobody reads stops.
 *
 * @throws Error, with all that it wrote, where it ends before.
 */
export function untilSaid(child: ChildProcess, wanted: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
        const found = wanted.exec(said);
        if (found) resolve(found);
      });
    }
    child.once('error', reject).once('close', () => reject(new Error(`it ended: ${said}`)));
  });
}
