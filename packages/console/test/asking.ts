import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type ConsoleFunctions, type ConsoleOptions, Download, startConsole } from '../src/index.ts';

/** A page that is none: what the server does with it is the same. */
export const aPage: string = fileURLToPath(new URL('fixtures/page', import.meta.url));

/** Functions that remember what they were called with. */
export function someFunctions(): ConsoleFunctions & { readonly called: [name: string, input: unknown][] } {
  const called: [string, unknown][] = [];
  const noted = (name: string, result: object) => async (input: unknown) => {
    called.push([name, input]);
    return result;
  };
  return {
    called,
    reading: {
      state: noted('state', { fine: true }),
      fail: async () => {
        throw new Error('a stack and a passphrase: hunter2');
      },
      file: async () => new Download('../"évil\r\nset-cookie: a=b', Buffer.from('the file')),
      slow: async (_, tell) => {
        tell({ step: 1 });
        tell({ step: 2 });
        return { done: true };
      },
    },
    writing: { save: noted('save', {}) },
    explain: () => [{ message: 'it failed', hint: 'Do better.' }],
  };
}

/** Until a connection is over, in whatever way. */
export function gone(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
}

export interface Said {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A console and whoever asks it, with nothing said but what a test says. */
export async function aConsole(options: Partial<ConsoleOptions> = {}) {
  const functions = someFunctions();
  const screen = await startConsole({ functions, page: aPage, ...options });
  const { origin, host, port, pathname: base, searchParams } = new URL(screen.address);
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) =>
    new Promise<Said>((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, method, path, headers: { host, ...headers }, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode!,
              headers: response.headers,
              body: Buffer.concat(chunks).toString(),
            }),
          );
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  /** Bytes as they are, and what comes back of them. */
  const raw = async (text: string): Promise<string> => {
    const socket = connect(Number(port), '127.0.0.1');
    let said = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    socket.end(text);
    await gone(socket);
    return said;
  };
  const token = searchParams.get('token')!;
  const letIn = async () => {
    const { headers } = await ask('GET', `${base}?token=${token}`);
    return headers['set-cookie']![0]!.split(';')[0]!;
  };
  /** As the page asks. */
  const act = (cookie: string, name: string, input: unknown = {}, headers: Record<string, string> = {}) =>
    ask(
      'POST',
      `${base}api/${name}`,
      { cookie, origin, 'content-type': 'application/json', ...headers },
      typeof input === 'string' ? input : JSON.stringify(input),
    );
  return {
    screen,
    functions,
    origin,
    host,
    port: Number(port),
    base,
    token,
    ask,
    raw,
    letIn,
    act,
    [Symbol.asyncDispose]: screen.close,
  };
}
