import * as undici from 'undici';
import type { Handler } from './forward.ts';

/**
 * A handler that is given headers as they came, as undici 7 still makes them for requests of its own. What it puts around
 * such a one for interceptors takes both: the headers as an object as well, and then makes a list of that again, and an object of
 * the list, which takes a tenth of the speed.
 */
export interface RawHandler {
  onConnect(abort: (reason?: Error) => void, context?: object): void;
  onResponseStarted?(): void;
  onHeaders(status: number, headers: RawHeaders, resume: () => void, text: string): boolean;
  onUpgrade(status: number, headers: RawHeaders, socket: object): void;
  onData(chunk: Buffer): boolean;
  onComplete(trailers: RawHeaders): void;
  onError(error: Error): void;
}

/** Names and values by turns. */
export type RawHeaders = readonly Buffer[];

export function asRaw(handler: Handler): RawHandler | undefined {
  const raw = handler as object as RawHandler;
  return typeof raw.onHeaders === 'function' ? raw : undefined;
}

export function locationOf(headers: RawHeaders): unknown {
  return undici.util.parseHeaders(headers as never).location;
}

/** The same headers, whose `vary` is `*`. They are told of elsewhere too: as they came. */
export function varying(headers: RawHeaders): RawHeaders {
  const own: Buffer[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    if (name.length !== vary.length || undici.util.headerNameToString(name) !== 'vary') {
      own.push(name, headers[at + 1]!);
    }
  }
  own.push(vary, anything);
  return own;
}

const vary = Buffer.from('vary');
const anything = Buffer.from('*');
