import type { TestClient } from '../adapters/adapter.ts';
import type { World } from './model.ts';
import type { Call } from './programs.ts';

/** How a call ended. */
export type Outcome = { readonly status: number } | { readonly error: unknown };

export async function send(
  client: TestClient,
  { path, service, post, status, abort, flaky, slow, options }: Call,
  mark: string,
  { origins }: World,
  shared: SharedOptions,
): Promise<Outcome> {
  let url = '';
  for (let hop = path.length - 1; hop >= 0; hop--) {
    const query = new URLSearchParams({ mark, hop: String(hop) });
    if (slow && hop === 0) query.set('slow', '');
    const isLast = url === '';
    if (!isLast) {
      query.set('status', String(status));
      query.set('to', url);
    }
    url = `${origins[path[hop]!]}${isLast ? (flaky ? '/flaky' : '/final') : '/redirect'}?${query}`;
  }
  const signal = abort === undefined ? undefined : AbortSignal.timeout(abort);
  const silence = new Promise<never>((_, reject) => {
    setTimeout(reject, 30_000, new Error(`${mark} never ended`)).unref();
  });
  try {
    const answer = client.send(url, {
      ...(service !== undefined && { service }),
      ...(post && { body: `said ${mark}` }),
      ...(signal && { signal }),
      ...(options && { hand: (own) => shared[options](own) }),
    });
    return await Promise.race([answer, silence]);
  } catch (error) {
    return { error };
  }
}

/** A call of the first place, after all the others. */
export const afterwards: Call = {
  does: 'call',
  client: 0,
  path: ['first'],
  service: undefined,
  post: true,
  status: 307,
  abort: undefined,
  flaky: false,
  slow: false,
  options: undefined,
};

/** Objects of options that a caller gives to several calls. */
export class SharedOptions {
  /** That somebody wrote on what is the caller's. */
  isWritten = false;
  readonly #one: object = {};
  #written: object = {};
  readonly #frozen: object[] = [];

  /** The one object, filled in anew for each call as soon as the call before is made. */
  shared<Options extends object>(options: Options): Options {
    for (const name of Reflect.ownKeys(this.#one)) Reflect.deleteProperty(this.#one, name);
    this.#written = options;
    // When the turn is over: SOAP's security by itself lends the options what node-soap is to read.
    setImmediate(() => {
      this.isWritten ||= !areSame(this.#one, this.#written);
    });
    return Object.assign(this.#one, options);
  }

  /** Nobody can write on it, or on objects in it; calls that say the same have the same. */
  frozen<Options extends object>(options: Options): Options {
    for (const [name, each] of Object.entries(options)) {
      if (Object.getPrototypeOf(each ?? '') !== Object.prototype) continue;
      Object.assign(options, { [name]: this.frozen(each) });
    }
    const known = this.#frozen.find((each) => areSame(each, options));
    if (known) return known as Options;
    this.#frozen.push(options);
    return Object.freeze(options);
  }
}

function areSame(one: object, other: object): boolean {
  const [own, others] = [one, other].map((each) => Object.getOwnPropertyDescriptors(each));
  const names = Reflect.ownKeys(own!);
  const isSame = (name: string | symbol) =>
    name in others! && Object.is(own![name as string]!.value, others![name as string]!.value);
  return names.length === Reflect.ownKeys(others!).length && names.every(isSame);
}
