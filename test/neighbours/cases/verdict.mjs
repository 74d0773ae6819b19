// What stands in a cell: yes (✓), no (✗), or neither (–), with a word or two, and what the user was told.
import { stripVTControlCharacters } from 'node:util';

export const yes = (word, more) => ({ verdict: 'yes', word, ...more });
export const no = (word, more) => ({ verdict: 'no', word, ...more });
export const neither = (word, more) => ({ verdict: 'none', word, ...more });

/** An answer's message in one line, without ports, folders and stacks. */
export function shorten(told, { folder } = {}) {
  let text = stripVTControlCharacters(String(told));
  if (folder)
    text = text
      .split(folder)
      .join('')
      .replace(/(^|[^\w/])\/\d+\/(?=[\w-]+\.)/g, '$1');
  return text

    .replace(/port=\d+/g, 'port=PORT')
    .replace(/127\.0\.0\.(\d):\d+/g, '127.0.0.$1:PORT')
    .replace(/\b[0-9A-F]{12,16}:error:/g, 'error:')
    .replace(/0x[0-9a-f]{8,}/g, '0x…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 400);
}

/** A client with its certificate, and its first answer where it fails. */
export async function open(context, program, { id = 'a', certificate = {}, host, ca = context.ca, ...more }) {
  return program.ask({ op: 'client', id, certificate, host, ca, ...more });
}
