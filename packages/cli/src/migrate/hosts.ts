import { isIP } from 'node:net';
import type { Node, ObjectExpression } from '@babel/types';
import { type Code, propertyOf } from './code.ts';
import { textOf } from './value.ts';

/** Where calls go, as rules name it: `host`, or `host:port`. `undefined` where the code does not say it. */
export type Hosts = readonly string[] | undefined;

/** All of them, if each is known. */
export function together(found: readonly Hosts[]): Hosts {
  if (found.length === 0 || found.includes(undefined)) return undefined;
  return [...new Set(found.flatMap((hosts) => hosts ?? []))];
}

/** The host of a URL, of which the beginning is enough; `'relative'` for a path alone. */
export function hostOf(code: Code, node: Node | undefined): Hosts | 'relative' {
  const found = textOf(code, node);
  if (!found) return undefined;
  const { text, complete } = found;
  if (/^https:\/\/[^/?#\s]+([/?#]|$)/i.test(text)) {
    const [authority] = /^https:\/\/[^/?#\s]+/i.exec(text)!;
    if (!complete && authority === text) return undefined; // the name goes on in what is computed
    return URL.canParse(authority) ? rule(new URL(authority)) : undefined;
  }
  if (/^http:\/\//i.test(text)) return []; // no certificate is ever asked for there
  return !/^[a-z][\w+.-]*:|^\/\//i.test(text) && (complete || text !== '') ? 'relative' : undefined;
}

function rule({ hostname, port }: URL): Hosts {
  return hostname === '' ? undefined : [port === '' || port === '443' ? hostname : `${hostname}:${port}`];
}

/** The host of options such as those of `https.request`. */
export function hostOfOptions(code: Code, options: ObjectExpression): Hosts {
  const value = (name: string) => propertyOf(options, name)?.value;
  const named = textOf(code, value('hostname') ?? value('host'));
  const port = value('port');
  const number = port ? textOf(code, port) : { text: '443', complete: true };
  if (!named?.complete || !number?.complete) return undefined;
  const host = isIP(named.text) === 6 ? `[${named.text}]` : named.text;
  const url = `https://${host}:${number.text}`;
  return URL.canParse(url) ? rule(new URL(url)) : undefined;
}
