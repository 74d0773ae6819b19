// Runs commands of Node's, as many at a time as there are cores; what each says stays together, and is shown when it ends.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { execPath } from 'node:process';

/**
 * @param {string[][]} commands Files with their arguments
 * @throws Error when all have ended, with those that failed
 */
export async function sideBySide(commands) {
  const waiting = [...commands];
  const failed = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { status, output } = await run(next);
      process.stdout.write(output);
      if (status !== 0) failed.push(next.join(' '));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (failed.length > 0) throw new Error(`failed: ${failed.join(', ')}`);
}

function run(args) {
  const chunks = [];
  const child = spawn(execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output: Buffer.concat(chunks) }));
  });
}
