/** A copy of what the caller wrote, without what somebody wrote on `Object.prototype`. */
export function ownOf<Options extends object>(options: Options): Options {
  return Object.assign(Object.create(null), options);
}
