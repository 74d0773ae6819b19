/** What a caller wrote, and nothing that every object inherits: a polluted `Object.prototype` adds no option. */
export function ownOf<Value extends object>(value: Value): Value {
  return Object.assign(Object.create(null), value);
}
