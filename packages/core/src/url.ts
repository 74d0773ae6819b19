/** Whether this is a `URL`, also one of another realm, as tests run in one. */
export function isUrl(value: unknown): value is URL {
  try {
    return value instanceof URL || Object.prototype.toString.call(value) === '[object URL]';
  } catch {
    // A proxy that does not say what it is.
    return false;
  }
}

/** The origin of what a caller wrote as one; `undefined` where it is none, as "localhost:8443" is. */
export function originOf(written: unknown): string | undefined {
  if (typeof written !== 'string' && !isUrl(written)) return undefined;
  const text = String(written);
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  return origin === 'null' ? undefined : origin;
}
