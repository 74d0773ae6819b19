import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export type Handler = Dispatcher.DispatchHandler;

type Arguments<Name extends keyof Handler> = Parameters<NonNullable<Handler[Name]>>;

/** Not in the types of the oldest undici. */
interface Untyped {
  onResponseStarted?(): void;
  onRequestSent?(): void;
}

/** A handler in front of another one, to which it passes on everything. */
export class Forward implements Handler {
  /** Whether it is in front of one that gives the answer to further requests, as `interceptors.deduplicate` does. */
  readonly isShared: boolean;
  readonly #handler: Handler & Untyped;

  constructor(handler: Handler) {
    this.#handler = handler;
    this.isShared = isShared(handler);
  }

  onRequestStart(...args: Arguments<'onRequestStart'>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onRequestUpgrade(...args: Arguments<'onRequestUpgrade'>): void {
    this.#handler.onRequestUpgrade?.(...args);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    text?: string,
  ): void {
    this.#handler.onResponseStart?.(controller, status, headers, text);
  }

  onResponseData(...args: Arguments<'onResponseData'>): void {
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Arguments<'onResponseEnd'>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Arguments<'onResponseError'>): void {
    this.#handler.onResponseError?.(...args);
  }

  onBodySent(...args: Arguments<'onBodySent'>): void {
    this.#handler.onBodySent?.(...args);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }
}

export function isShared(handler: Handler): boolean {
  return handler instanceof Forward ? handler.isShared : 'addWaitingHandler' in handler;
}
