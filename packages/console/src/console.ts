import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Answering, answer } from './answer.ts';
import { Downloads } from './downloads.ts';
import type { ConsoleFunctions } from './functions.ts';
import { Guard } from './guard.ts';
import { readPage } from './page.ts';

/** How a console is started. */
export interface ConsoleOptions {
  /** What the page can do. */
  readonly functions: ConsoleFunctions;
  /** Whether functions that write files may be called; not unless `true`. */
  readonly write?: boolean | undefined;
  /** From 1 to 65535; a free one unless given. */
  readonly port?: number | undefined;
  /** Where the files of the page are, in place of the package's own. */
  readonly page?: string | undefined;
}

/** A console that runs. */
export interface RunningConsole {
  /** Where it is. It lets one browser in, once: the token in it is good for nothing afterwards. */
  readonly address: string;
  /** Ends it: no connection and no file that waits for its download is left. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Of loopback, and written as a number: a name may lead elsewhere. */
const HOST = '127.0.0.1';

/**
 * Serves the screen on loopback, and nowhere else, until it is closed.
 *
 * @throws Error with the code `EADDRINUSE` where another program has the port; with `ERR_PAGE_MISSING` where the package
 *   was not built
 * @example
 * import { startConsole } from '@clientcert/console';
 * const { address } = await startConsole({ functions });
 * console.log(address);
 */
export async function startConsole({
  functions,
  write = false,
  port = 0,
  page,
}: ConsoleOptions): Promise<RunningConsole> {
  const directory = page ?? fileURLToPath(new URL('../dist/page', import.meta.url));
  if (!existsSync(join(directory, 'index.html')))
    throw Object.assign(new Error('the page of @clientcert/console is not there: it was not built'), {
      code: 'ERR_PAGE_MISSING',
    });
  const files = readPage(directory);
  const downloads = new Downloads();
  let answering: Answering | undefined;
  const server = createServer(
    { maxHeaderSize: 16_384 },
    (request: IncomingMessage, response: ServerResponse) => {
      void answer(request, response, answering!);
    },
  );
  server.headersTimeout = 10_000;
  server.requestTimeout = 60_000;
  server.maxConnections = 64;
  // What is no HTTP gets no word of ours.
  server.on('clientError', (_, socket) => socket.destroy());
  server.listen({ host: HOST, port, exclusive: true });
  await once(server, 'listening');
  const guard = new Guard(`${HOST}:${(server.address() as AddressInfo).port}`);
  answering = { guard, files, downloads, functions, write };
  const { address } = guard;
  const close = async () => {
    downloads.clear();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return { address, close, [Symbol.asyncDispose]: close };
}
