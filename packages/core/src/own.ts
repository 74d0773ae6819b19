import { ClientCertificateError } from './errors.ts';
import { isUrl } from './url.ts';

/**
 * What a caller wrote as a member of an object, on a prototype of theirs too, and not what somebody else put on
 * `Object.prototype`.
 *
 * @see CWE-1321
 */
export function written<Kind extends object, Name extends keyof Kind & string>(
  object: Kind,
  name: Name,
): Kind[Name] | undefined {
  const value = object[name];
  if (value === undefined || !(name in Object.prototype)) return value;
  for (
    let each: object | null = object;
    each && each !== Object.prototype;
    each = Object.getPrototypeOf(each)
  ) {
    if (Object.hasOwn(each, name)) return value;
  }
  return undefined;
}

/** A variable of the environment: `process.env`, too, has what every object inherits. */
export function variable(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return written(env, name);
}

/**
 * A copy of the caller's options that has what they {@link written | wrote} and nothing else; lists, plain objects and
 * URLs in it are copied too.
 */
export function snapshot<Options extends object>(options: Options): Options {
  const copy = { __proto__: null, ...options } as Record<string, unknown>;
  for (let each = Object.getPrototypeOf(options); each; each = Object.getPrototypeOf(each)) {
    if (isShared(each)) break;
    for (const name of Object.getOwnPropertyNames(each)) {
      if (name !== 'constructor' && !(name in copy)) copy[name] = options[name as keyof Options];
    }
  }
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) copy[name] = value.map(copyPlain);
    else copy[name] = isUrl(value) ? new URL(value.href) : copyPlain(value);
  }
  return copy as Options;
}

/**
 * A {@link snapshot} of what a caller handed over as options. The name of a service in their place would be spread to
 * nothing, and calls made as nobody.
 *
 * @param callee What they were given to, as messages call it, e.g. `clientCertificates()`.
 * @throws ERR_CLIENTCERT_CONFIG_INVALID
 *
 * @example
 * import { acceptOptions } from '@clientcert/core/adapter';
 *
 * const { service } = acceptOptions(given, 'clientCertificates()');
 */
export function acceptOptions<Options extends object>(given: Options, callee: string): Options {
  if (typeof given === 'object' && given !== null) return snapshot(given);
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `${callee} takes an object of options, and was given ${kindOf(given)}`,
    { hint: 'A service is written as { service: … }.' },
  );
}

/** What a value is, and nothing of what it holds. */
export function kindOf(given: unknown): string {
  return given === null || given === undefined ? `${given}` : `a value of the type ${typeof given}`;
}

/**
 * A proxy as it is written at this moment, with its authorization from wherever that is inherited: what connections are kept
 * apart by, and made with from then on. What is no proxy is told of by whoever reads it.
 */
export function fixedProxy(written: unknown): unknown {
  if (typeof written !== 'object' || written === null) return written;
  if (isUrl(written)) return written.href;
  if (!Object.hasOwn(written, 'url')) return written;
  const { url, authorization, certificate, ca } = snapshot(written as Record<string, unknown>);
  return { url: isUrl(url) ? url.href : url, authorization, certificate, ca };
}

function copyPlain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && isPlain(value)
    ? { __proto__: null, ...value }
    : value;
}

/** Whether it is of no class, in whichever realm it was made. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || isShared(prototype);
}

/** What every object inherits from, in whichever realm it was made. */
function isShared(prototype: object): boolean {
  return prototype === Object.prototype || Object.hasOwn(prototype, 'hasOwnProperty');
}
