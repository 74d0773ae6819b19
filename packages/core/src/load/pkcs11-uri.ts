import { Problem } from './problem.ts';

/**
 * Which object of which token, and how to open it.
 *
 * @see RFC 7512
 */
export interface Pkcs11Uri {
  /** Attributes of the path by name, each as its bytes, one character a byte: an `id` is no text. */
  readonly path: ReadonlyMap<string, string>;
  /** Attributes of the query. `pin-value` is a secret. */
  readonly query: ReadonlyMap<string, string>;
}

/** Whether a text is to be a PKCS#11 URI (RFC 7512). */
export function isPkcs11Uri(text: unknown): text is string {
  return typeof text === 'string' && /^\s*pkcs11:/i.test(text);
}

/**
 * Reads a PKCS#11 URI. `pin-value` and its like are taken in the path as well, where libp11 and old guides put them.
 *
 * @throws Problem `CONFIG_INVALID`, which holds nothing of what was written but names of known attributes
 */
export function parsePkcs11Uri(text: string): Pkcs11Uri {
  if (text.length > longest) throw invalid('is longer than any');
  const written = text.trim().slice('pkcs11:'.length);
  const at = written.indexOf('?');
  const path = at < 0 ? written : written.slice(0, at);
  const uri = { path: new Map<string, string>(), query: new Map<string, string>() };
  for (const attribute of path.split(';')) readAttribute(attribute, uri);
  if (at >= 0) for (const attribute of written.slice(at + 1).split('&')) readAttribute(attribute, uri);
  const object = [...uri.path.keys()].some((name) => namesObject.has(name));
  if (!object) throw invalid('names neither a token nor an object');
  const type = uri.path.get('type');
  if (type !== undefined && type !== 'private')
    throw invalid('has a "type" that is not "private"', 'Write type=private, or leave it out.');
  return uri;
}

function readAttribute(
  attribute: string,
  uri: { path: Map<string, string>; query: Map<string, string> },
): void {
  if (attribute === '') return;
  const [, name, value] =
    /^([A-Za-z0-9_-]+)=((?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&/?|]|%[0-9A-Fa-f]{2})*)$/.exec(attribute) ?? [];
  if (name === undefined || value === undefined)
    throw invalid(
      'has an attribute that is not written as name=value, or characters that are not percent-encoded',
    );
  const place = queryAttributes.has(name) ? uri.query : uri.path;
  if (place.has(name)) throw invalid(`says ${isKnown(name) ? `"${name}"` : 'one attribute'} twice`);
  place.set(
    name,
    value.replace(/%([0-9A-Fa-f]{2})/g, (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16))),
  );
}

/** Characters. A file may hold megabytes in its place, each of which is written anew several times. */
const longest = 16_384;

function invalid(what: string, hint = example): Problem {
  return new Problem('CONFIG_INVALID', `the PKCS#11 URI ${what}`, hint);
}

const example =
  "Write it as in RFC 7512: 'pkcs11:token=bank;object=client'; what is no letter or digit as %20.";

/** Writes a URI; every byte that is not unreserved (RFC 3986) is percent-encoded. */
export function formatPkcs11Uri({ path, query }: Pkcs11Uri): string {
  const write = (attributes: ReadonlyMap<string, string>, separator: string) =>
    [...attributes].map(([name, value]) => `${name}=${encode(value)}`).join(separator);
  return `pkcs11:${write(path, ';')}${query.size === 0 ? '' : `?${write(query, '&')}`}`;
}

/** The URI as messages print it: attributes that say which object it is, and nothing else. */
export function showPkcs11Uri({ path }: Pkcs11Uri): string {
  const known = new Map([...path].filter(([name]) => pathAttributes.has(name)));
  return formatPkcs11Uri({ path: known, query: new Map() });
}

/** The token alone that a URI names. */
export function tokenOf({ path }: Pkcs11Uri): Pkcs11Uri {
  const ofToken = [...path].filter(([name]) => name !== 'object' && name !== 'id' && name !== 'type');
  return { path: new Map(ofToken), query: new Map() };
}

/** A PKCS#11 URI as messages print it, without a PIN; `a PKCS#11 URI` where it is none that can be read. */
export function labelOfPkcs11Uri(text: string): string {
  try {
    return showPkcs11Uri(parsePkcs11Uri(text));
  } catch {
    return 'a PKCS#11 URI';
  }
}

function encode(bytes: string): string {
  return bytes.replace(
    /[^A-Za-z0-9\-._~]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
}

/** Section 2.3. */
const pathAttributes: ReadonlySet<string> = new Set([
  'token',
  'manufacturer',
  'serial',
  'model',
  'library-manufacturer',
  'library-version',
  'library-description',
  'object',
  'type',
  'id',
  'slot-description',
  'slot-manufacturer',
  'slot-id',
]);
const queryAttributes: ReadonlySet<string> = new Set([
  'pin-source',
  'pin-value',
  'module-name',
  'module-path',
]);
const namesObject: ReadonlySet<string> = new Set(['token', 'serial', 'object', 'id', 'slot-id']);

function isKnown(name: string): boolean {
  return pathAttributes.has(name) || queryAttributes.has(name);
}
