import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyRefused, readJson } from './body.ts';
import { Download, type Downloads } from './downloads.ts';
import type { ConsoleFunctions } from './functions.ts';
import type { Guard, Refusal } from './guard.ts';
import type { PageFile } from './page.ts';
import { bareRefusal, STYLE_HASH } from './refusal-page.ts';

/** What an answer is made from. */
export interface Answering {
  readonly guard: Guard;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly downloads: Downloads;
  readonly functions: ConsoleFunctions;
  readonly write: boolean;
}

/**
 * Nothing comes from elsewhere, nothing goes elsewhere, nobody has it in a frame, nothing stays in a cache.
 *
 * @see https://www.w3.org/TR/CSP3/ and https://www.w3.org/TR/trusted-types/
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${STYLE_HASH}`,
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types vue',
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Answers one request; never rejects. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  answering: Answering,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  try {
    await route(request, response, answering);
  } catch (error) {
    if (response.headersSent || response.destroyed) response.destroy();
    else if (error instanceof BodyRefused) refuse(response, error);
    else refuse(response, { status: 500, message: 'That failed.' });
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  answering: Answering,
): Promise<void> {
  const { guard, files, downloads } = answering;
  const refusal = guard.refuseStranger(request);
  if (refusal) return refuse(response, refusal);
  // As it was written: a path with dots in it is no name of anything here.
  const [path = '', query] = request.url!.slice(guard.base.length).split('?', 2);
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const token = new URLSearchParams(query).get('token');
  if (path === '' && token !== null && request.method === 'GET')
    return admit(request, response, guard, token);
  if (!guard.knows(request)) return refuse(response, UNKNOWN);
  if (path.startsWith('api/')) {
    if (request.method !== 'POST')
      return refuse(response, { status: 405, message: 'This is asked with POST.' });
    return await act(request, response, path.slice(4), answering);
  }
  if (!reads) return refuse(response, { status: 405, message: 'This is read with GET.' });
  if (path.startsWith('download/') && request.method === 'GET')
    return send(response, downloads.take(path.slice(9)));
  const file = files.get(path);
  if (file === undefined) return refuse(response, { status: 404, message: 'There is nothing here.' });
  response.writeHead(200, { 'content-type': file.type, 'content-length': file.content.length });
  response.end(request.method === 'HEAD' ? undefined : file.content);
}

const UNKNOWN: Refusal = {
  status: 403,
  message:
    'This browser was not let in. The address that the command printed lets one browser in, once: start the command again for a new one.',
};

/**
 * Sets the cookie, and goes on from a page of our own: a browser that came by a link from elsewhere would not send a
 * strict cookie along a redirect.
 */
function admit(request: IncomingMessage, response: ServerResponse, guard: Guard, token: string): void {
  // Who is in already and loads the address again stays in.
  const isNew = !guard.knows(request);
  if (isNew && !guard.admits(token)) {
    refuse(response, UNKNOWN);
    return;
  }
  if (isNew) response.setHeader('set-cookie', guard.cookie);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="${guard.base}icon.svg"><meta http-equiv="refresh" content="0;url=${guard.base}"><title>clientcert</title><p><a href="${guard.base}">Go on</a></p></html>`,
  );
}

/** Lines of JSON: `{ "progress": … }`, as often as there is something to tell, then `{ "result": … }` or `{ "errors": … }`. */
async function act(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  { guard, functions, downloads, write }: Answering,
): Promise<void> {
  const refusal = guard.refuseAct(request);
  if (refusal) return refuse(response, refusal);
  const writes = Object.hasOwn(functions.writing, name);
  if (writes && !write)
    return refuse(response, {
      status: 403,
      message: 'This console is read-only. Start it with --write to change files.',
    });
  const held = writes ? functions.writing : functions.reading;
  if (!Object.hasOwn(held, name)) return refuse(response, { status: 404, message: 'There is nothing here.' });
  const input = await readJson(request);
  const ended = new AbortController();
  response.once('close', () => ended.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
  const say = (line: object) => {
    if (!response.writableEnded && !response.destroyed) response.write(`${JSON.stringify(line)}\n`);
  };
  try {
    const result = await held[name]!(input, (progress) => say({ progress }), ended.signal);
    if (result instanceof Download)
      say({ result: { href: `download/${downloads.add(result)}`, name: result.name } });
    else say({ result });
  } catch (error) {
    say({ errors: functions.explain(error) });
  }
  response.end();
}

function send(response: ServerResponse, download: Download | undefined): void {
  if (download === undefined) {
    refuse(response, { status: 404, message: 'This was downloaded already, or waited for too long.' });
    return;
  }
  const content = Download.contentOf(download);
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': content.length,
    // RFC 6266; what is no letter of ASCII stands encoded.
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(download.name).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16)}`)}`,
  });
  response.end(content);
}

function refuse(response: ServerResponse, { status, message }: Refusal | BodyRefused): void {
  const isPerson = /\btext\/html\b/.test(response.req.headers.accept ?? '');
  const type = isPerson ? 'text/html' : 'text/plain';
  // What is left of a body that nobody reads ends with its connection.
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, connection: 'close' });
  response.end(isPerson ? bareRefusal(message) : `${message}\n`);
}
