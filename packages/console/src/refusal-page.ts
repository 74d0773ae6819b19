import { createHash } from 'node:crypto';

/** In the page itself, since whoever is refused gets no other file. */
const STYLE = `:root{color-scheme:light dark;font:16px/1.6 system-ui,sans-serif}body{display:grid;place-content:center;min-height:90vh;margin:0;padding:24px}main{max-width:46ch}h1{margin:0 0 8px;font-size:22px;letter-spacing:-.01em}p{margin:0}`;

/** Lets that style in, and no other that is written into a page (Content-Security-Policy). */
export const STYLE_HASH: string = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

/** What a person sees who is not let in. */
export function bareRefusal(message: string): string {
  const [first = '', rest = ''] = message.split(/(?<=\.) (.*)/s);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>clientcert</title><style>${STYLE}</style><main><h1>${first}</h1><p>${rest}</p></main></html>`;
}
