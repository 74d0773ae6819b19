import { ClientCertificateError } from '@clientcert/core';
import type { IHeaders } from 'soap';
import type { Call } from './call.ts';

/**
 * node-soap asks a security to write on the options of a call, which are the caller's and may be used for another
 * call, of another client. What is written here is there until node-soap has read it, which it does at once; then
 * the object is as it was. It also is where the call ends unread, as what runs before may throw: the call's own
 * `postProcess`, and listeners, which are followed by nothing but the next call that reads an `exchangeId`.
 *
 * @param headers Of the same call.
 */
export function lend(options: object, values: object, call: Call, headers: IHeaders | undefined): void {
  takeBack(options);
  const before = new Map<string, PropertyDescriptor | undefined>();
  const undo = () => {
    for (const [name, descriptor] of before) {
      Reflect.deleteProperty(options, name);
      if (descriptor) Object.defineProperty(options, name, descriptor);
    }
    before.clear();
  };
  const restore = () => {
    if (lent.get(options)?.restore !== restore) return;
    lent.delete(options);
    undo();
  };
  const loan: Loan = { call, restore, fresh: true };
  lent.set(options, loan);
  queueMicrotask(() => {
    loan.fresh = false;
  });

  let isRead = false;
  const refuse = () => {
    undo();
    if (headers) refuseToBeRead(headers);
  };
  const write = (name: string, descriptor: PropertyDescriptor): boolean => {
    const own = Object.getOwnPropertyDescriptor(options, name);
    const written = Reflect.defineProperty(options, name, { configurable: true, ...descriptor });
    if (written) before.set(name, own);
    return written;
  };
  for (const [name, given] of Object.entries(values)) {
    let value: unknown = name === 'postProcess' ? orElse(given, restore) : given;
    if (Object.is(Object.getOwnPropertyDescriptor(options, name)?.value, value)) continue;
    const written = write(name, {
      enumerable: true,
      get() {
        if (name === 'postProcess') return value; // read before the call is sent
        if (!isRead) queueMicrotask(restore);
        isRead = true;
        return value;
      },
      set(next: unknown) {
        value = next;
      },
    });
    if (!written) {
      refuse();
      return;
    }
  }
  if (Object.hasOwn(values, 'exchangeId')) return;
  let isSent = false;
  const marked = write('exchangeId', {
    enumerable: false, // no option of axios’
    get() {
      if (isSent) {
        restore();
        if (!isRead && headers) refuseToBeRead(headers);
      }
      isSent = true;
    },
    set(value: unknown) {
      before.set('exchangeId', { value, configurable: true, enumerable: true, writable: true });
    },
  });
  if (!marked) refuse();
}

/** The same function, after whose failure something else is done. */
function orElse(given: unknown, afterFailure: () => void): unknown {
  if (typeof given !== 'function') return given;
  return function (this: unknown, ...args: unknown[]) {
    try {
      return given.apply(this, args);
    } catch (error) {
      afterFailure();
      throw error;
    }
  };
}

/** Leaves the options as they were, and says which call they were lent to, if that was in this very turn. */
export function takeBack(options: object): Call | undefined {
  const loan = lent.get(options);
  loan?.restore();
  return loan?.fresh ? loan.call : undefined;
}

interface Loan {
  readonly call: Call;
  readonly restore: () => void;
  /** Until the turn is over in which node-soap puts the call together. */
  fresh: boolean;
}

const lent = new WeakMap<object, Loan>();

/**
 * Options that cannot be written on carry nothing to a client that was not made with `soapOptions`: its call fails
 * when node-soap reads the headers, which it makes anew for each call, rather than go without its certificate.
 */
function refuseToBeRead(headers: IHeaders): void {
  Object.defineProperty(headers, refused, {
    configurable: true,
    enumerable: true,
    get() {
      throw new ClientCertificateError(
        'ERR_CLIENTCERT_CONFIG_INVALID',
        'the options of this call are frozen, so its certificate cannot be set on them',
        {
          hint: 'Create the client with soapOptions(credentials), which needs nothing on them, or pass a copy.',
        },
      );
    },
  });
}

/** Headers for a client that was made with `soapOptions`. */
export function readable(headers: IHeaders | undefined): IHeaders | undefined {
  if (headers && Object.hasOwn(headers, refused)) delete headers[refused];
  return headers;
}

const refused = 'x-clientcert-refused';
