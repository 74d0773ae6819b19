import * as undici from 'undici';
import type { Handler } from './forward.ts';

/**
 * A handler that is given headers as they came, as undici 7 still makes them for requests of its own. What it puts around
 * such a one for interceptors takes both: the headers as an object as well, and then makes a list of that again, and an object of
 * the list, which takes a tenth of the speed.
 */
export interface RawHandler {
  onConnect(abort: (reason?: Error) => void, context?: object): void;
  onBodySent?(chunk: Buffer): void;
  onRequestSent?(): void;
  onResponseStarted?(): void;
  onHeaders(status: number, headers: HeaderList, resume: () => void, text: string): boolean;
  onUpgrade(status: number, headers: HeaderList, socket: object): void;
  onData(chunk: Buffer): boolean;
  onComplete(trailers: HeaderList): void;
  onError(error: Error): void;
}

/** Names and values by turns. */
export type HeaderList = readonly Buffer[];

/** Others that take both may hand on to one that takes an object alone, and nobody but undici 7 looks at the list first. */
export function asRaw(handler: Handler): RawHandler | undefined {
  const isRaw = !handler.onRequestStart || (!isNewer && handler.constructor?.name === 'WrapHandler');
  const raw = handler as object as RawHandler;
  return isRaw && typeof raw.onHeaders === 'function' ? raw : undefined;
}

/** undici 8 takes none. */
const isNewer = 'Dispatcher1Wrapper' in undici;

/** The first, where there are several: that is where such handlers go. */
export function locationOf(headers: HeaderList): unknown {
  return headers.find((_, at) => isValueOf(headers, at, 'location'));
}

/** The same headers, whose `vary` is `*`. They are told of elsewhere too: as they came. */
export function varying(headers: HeaderList): HeaderList {
  const own = headers.filter((_, at) => !isValueOf(headers, at | 1, 'vary'));
  own.push(vary, anything);
  return own;
}

/** Whether that is the place of a value, and such a name stands before it. */
function isValueOf(headers: HeaderList, at: number, name: string): boolean {
  const before = headers[at - 1];
  return at % 2 === 1 && before?.length === name.length && undici.util.headerNameToString(before) === name;
}

const vary = Buffer.from('vary');
const anything = Buffer.from('*');
