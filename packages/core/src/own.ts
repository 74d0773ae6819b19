/** What a caller wrote, and nothing that every object inherits: a polluted `Object.prototype` adds no option. */
export function ownOf<Value extends object>(value: Value): Value {
  return Object.assign(Object.create(null), value);
}

/** As {@link ownOf}, for what is looked at later: arrays in it are copied too. */
export function snapshot<Options extends object>(options: Options): Options {
  const copy = ownOf(options) as Record<string, unknown>;
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    if (Array.isArray(value)) copy[name] = [...value];
  }
  return copy as Options;
}

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
