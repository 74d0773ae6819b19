/** Whether this is a `URL`, also one of another realm, as tests run in one. */
export function isUrl(value: unknown): value is URL {
  try {
    return value instanceof URL || Object.prototype.toString.call(value) === '[object URL]';
  } catch {
    // A proxy that does not say what it is.
    return false;
  }
}
