import { ClientCertificateError } from '@clientcert/core';
import type { IHeaders } from 'soap';
import { type Call, carried } from './call.ts';

const known: unique symbol = Symbol.for('clientcert.soap.calls') as never;

/**
 * Has a call known by its headers, which node-soap makes anew for each, while its options are the caller's and may be
 * used for any other call. These headers cannot be read unless what {@link lend} writes on the options stands there, so
 * that no call goes without its certificate; and it is seen that they were read.
 */
export function announce(call: Call, options: object, headers: IHeaders): void {
  calls.set(headers, call);
  for (const [name, given] of Object.entries(headers)) {
    let value = given;
    Object.defineProperty(headers, name, {
      configurable: true,
      enumerable: true,
      get() {
        if (!taken.has(call)) lentTo(call, options).hasReadHeaders = true;
        return value;
      },
      set(next: unknown) {
        value = next;
      },
    });
  }
}

function lentTo(call: Call, options: object): Loan {
  const loan = lent.get(options);
  if (loan?.call !== call) throw notCarried();
  return loan;
}

/**
 * node-soap asks a security to write on the options of a call. What is written here holds for the request that is put
 * together from the headers of that call, and for no other; it is there until node-soap has read it, which it does at
 * once; then the object is as it was. It also is with the next call that reads an `exchangeId`, and where the call's own
 * `postProcess` throws.
 *
 * @param stands Called when the message stands, just before it is sent.
 */
export function lend(options: object, call: Call, stands: () => void): void {
  lent.get(options)?.restore();
  const before = new Map<string, PropertyDescriptor | undefined>();
  const restore = () => {
    if (lent.get(options) === loan) lent.delete(options);
    for (const [name, descriptor] of before) {
      if (!isOurs(name)) continue; // emptied, and filled in anew by the caller
      Reflect.deleteProperty(options, name);
      if (descriptor) Object.defineProperty(options, name, descriptor);
    }
    before.clear();
  };
  let isSent = false;
  const mark = () => {
    if (isSent) restore();
    else stands();
    isSent = true;
    return exchangeId;
  };
  const getters = new Map<string, unknown>();
  const isOurs = (name: string) => Object.getOwnPropertyDescriptor(options, name)?.get === getters.get(name);
  const isThere = () => isOurs('exchangeId');
  const loan: Loan = { call, before, restore, isThere, hasReadHeaders: false, isFresh: true };
  lent.set(options, loan);
  queueMicrotask(() => {
    loan.isFresh = false;
  });

  const write = (name: string, descriptor: PropertyDescriptor): boolean => {
    const own = Object.getOwnPropertyDescriptor(options, name);
    const isWritten = Reflect.defineProperty(options, name, { configurable: true, ...descriptor });
    if (isWritten) before.set(name, own);
    if (isWritten) getters.set(name, descriptor.get);
    return isWritten;
  };
  const { exchangeId, transformRequest, ...others } = carried(call);
  const marked = write('exchangeId', {
    enumerable: false, // no option of axios’
    get: mark,
    set(value: unknown) {
      before.set('exchangeId', { value, configurable: true, enumerable: true, writable: true });
    },
  });
  let isRead = false;
  const endSoon = () => {
    if (!isRead) queueMicrotask(restore);
    isRead = true;
    loan.isFresh = false;
  };
  const isLent =
    write('transformRequest', { enumerable: true, ...transformers(loan, transformRequest, endSoon) }) &&
    Object.entries(others).every(([name, given]) => {
      let value: unknown = name === 'postProcess' ? orElse(given, restore) : given;
      if (Object.is(Object.getOwnPropertyDescriptor(options, name)?.value, value)) return true;
      return write(name, {
        enumerable: true,
        get() {
          if (name !== 'postProcess') endSoon(); // which is read before the call is sent
          return value;
        },
        set(next: unknown) {
          value = next;
        },
      });
    });
  // What is frozen carries nothing, and a client that was made with `soapOptions` does not need it.
  if (!marked || !isLent) restore();
}

/** With the decision as the last of them, for the request that is put together from the headers of the call. */
function transformers(loan: Loan, given: unknown, endSoon: () => void): PropertyDescriptor {
  const all = [given].flat();
  const certify = all.at(-1);
  let own = all.slice(0, -1);
  return {
    get() {
      endSoon();
      return [...own, loan.hasReadHeaders ? certify : refuse];
    },
    set(next: unknown) {
      own = [next].flat().filter((each) => each !== certify && each !== refuse);
    },
  };
}

/** In a request that may be the call without its headers, or another one in its place. */
function refuse(): never {
  throw notCarried();
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

/** The caller's options, as they are without what is lent. */
export function ownOf(options: object): Record<string, unknown> {
  const loan = lent.get(options);
  if (!loan?.isThere()) return { ...options };
  const descriptors = { ...Object.getOwnPropertyDescriptors(options), ...Object.fromEntries(loan.before) };
  const copy: Record<string, unknown> = {};
  for (const [name, own] of Object.entries(descriptors)) {
    if (own?.enumerable) copy[name] = own.get ? own.get.call(options) : own.value;
  }
  return copy;
}

/**
 * The call that node-soap sends with these headers and options: by its headers, and where it comes without, by the
 * options, if they were lent to it in this very turn.
 */
export function callOf(headers: IHeaders | undefined, options: object): Call | undefined {
  const loan = lent.get(options);
  const call = (headers && calls.get(headers)) ?? (loan?.isFresh && loan.isThere() ? loan.call : undefined);
  if (loan?.call === call || !loan?.isFresh) loan?.restore();
  if (call) taken.add(call);
  return call;
}

interface Loan {
  readonly call: Call;
  /** What stood there. */
  readonly before: ReadonlyMap<string, PropertyDescriptor | undefined>;
  readonly restore: () => void;
  /** Whether it still stands on the options: a caller may have emptied them for the next call. */
  readonly isThere: () => boolean;
  /** What is read from then on is for the call's own request. */
  hasReadHeaders: boolean;
  /** Until its request is put together, or the turn is over in which that is done. */
  isFresh: boolean;
}

/** Of every copy of this package: a call may be made by a client of one with a security of another. */
const everywhere = globalThis as { [known]?: Lent };
everywhere[known] ??= { lent: new WeakMap(), calls: new WeakMap(), taken: new WeakSet() };
const { lent, calls, taken } = everywhere[known];

interface Lent {
  /** By options. */
  readonly lent: WeakMap<object, Loan>;
  /** By headers. */
  readonly calls: WeakMap<object, Call>;
  /** By a client that was made with `soapOptions`, which needs nothing of this. */
  readonly taken: WeakSet<Call>;
}

/** @returns The error of a call that would go without its certificate. */
export function notCarried(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    'the options of this call do not carry its certificate: they are frozen, or used for another request meanwhile, its headers were cleared or copied, or a security around that of the call hands on a part of it',
    {
      hint: 'Create the client with soapOptions(credentials), which needs nothing on them, or pass a copy; give further securities as "and".',
    },
  );
}
