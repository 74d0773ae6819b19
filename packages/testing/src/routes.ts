import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SeenRequest } from './seen-request.ts';

type Route = (exchange: {
  request: IncomingMessage;
  response: ServerResponse;
  seen: SeenRequest;
  query: URLSearchParams;
  rest: string;
}) => void | Promise<void>;

/** Answer by the first route whose path fits; by what the server saw where none does. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
): Promise<void> {
  const query = new URLSearchParams(seen.url.split('?', 2)[1]);
  const [, name = '', rest = ''] = /^\/([^/]*)\/?(.*)$/.exec(seen.path) ?? [];
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name]! : describe;
  await route({ request, response, seen, query, rest });
}

const ROUTES: { readonly [name: string]: Route } = {
  redirect: ({ request, response, query }) => {
    request.resume();
    response.writeHead(Number(query.get('status') ?? 302), { location: query.get('to') ?? '/' }).end();
  },
  status: ({ request, response, rest }) => {
    request.resume();
    response.writeHead(Number(rest)).end();
  },
  delay: async (exchange) => {
    await elapse(Number(exchange.query.get('ms') ?? 0), exchange.response);
    await describe(exchange);
  },
  echo: async ({ request, response }) => {
    response.writeHead(200, {
      'content-type': request.headers['content-type'] ?? 'application/octet-stream',
    });
    await pipeline(request, response);
  },
  large: async ({ request, response, query }) => {
    request.resume();
    const bytes = Number(query.get('bytes') ?? 1_000_000);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
    await pipeline(Readable.from(blocks(bytes)), response);
  },
};

async function describe({ request, response, seen }: Parameters<Route>[0]): Promise<void> {
  request.resume();
  if (!request.readableEnded) {
    await new Promise<void>((resolve) => request.once('end', resolve).once('close', resolve));
  }
  if (response.destroyed) return;
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(seen));
}

/** Over at once where the client goes away, so that no timer outlives its connection. */
async function elapse(milliseconds: number, response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    response.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function* blocks(bytes: number): Generator<Buffer> {
  const block = Buffer.alloc(65_536, 'x');
  for (let left = bytes; left > 0; left -= block.length)
    yield block.subarray(0, Math.min(left, block.length));
}
