import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { show } from '@clientcert/core/adapter';
import { UsageError } from './command.ts';

/** More than any text that a command reads. */
const LARGEST = 5_000_000;

/**
 * A file whole. What has no end, or waits for who writes into it, is refused before it is read.
 *
 * @throws UsageError for a pipe, a device, or more than `most` bytes; the error of the file system
 */
export async function readBounded(path: string, most: number = LARGEST): Promise<Buffer> {
  const shown = show(path, 'path');
  const handle = await openWithoutWaiting(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENXIO' ? noFile(shown) : error;
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile() && !stats.isDirectory()) throw noFile(shown);
    const chunks: Buffer[] = [];
    for (let length = 0; ; ) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(65_536));
      if (bytesRead === 0) return Buffer.concat(chunks);
      length += bytesRead;
      if (length > most) throw tooLarge(shown);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Standard input whole, under the same bound. */
export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Buffer | string);
    length += bytes.length;
    if (length > LARGEST) throw tooLarge('standard input');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

function openWithoutWaiting(path: string) {
  // Windows knows no such flag.
  return open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

function noFile(shown: string): UsageError {
  return new UsageError(
    `${shown} is a pipe, a socket or a device, not a file`,
    'Where the option or argument takes -, pipe it in.',
  );
}

function tooLarge(shown: string): UsageError {
  return new UsageError(`${shown} is larger than what is read here ever is`);
}
