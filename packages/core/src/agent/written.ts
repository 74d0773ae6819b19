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
  if (!(name in Object.prototype)) return object[name];
  for (
    let each: object | null = object;
    each && each !== Object.prototype;
    each = Object.getPrototypeOf(each)
  ) {
    if (Object.hasOwn(each, name)) return object[name];
  }
  return undefined;
}

/** A copy of the caller's options that has what they wrote and nothing else; arrays in it are copied too. */
export function snapshot<Options extends object>(options: Options): Options {
  const copy = { __proto__: null, ...options } as Record<string, unknown>;
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    if (Array.isArray(value)) copy[name] = [...value];
  }
  return copy as Options;
}
