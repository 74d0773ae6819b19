import { types } from 'node:util';
import { ClientCertificateError } from '../errors.ts';
import { copyOfBytes } from '../load/handed-over.ts';
import { entriesInTurns } from '../load/turn.ts';
import { findNearest } from '../pin/did-you-mean.ts';
import type { Issue } from '../pin/issue.ts';
import { isPlausible, isSecret, show } from '../quote.ts';
import { isUrl } from '../url.ts';

/** The options that hold entries by name: there may be a hundred thousand, so each is looked at by itself. */
export const SECTIONS = ['certificates', 'hosts', 'services'] as const;

/**
 * A copy of a config that holds nothing but what its author wrote: own properties, on objects without a prototype,
 * so that neither `__proto__` keys nor a polluted `Object.prototype` add an option. Functions stay what they
 * are, URLs and bytes are copied; anything else that is no plain data becomes a symbol, which no option accepts.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID
 */
export async function copyOwn(value: unknown): Promise<unknown> {
  if (made.has(value as object)) return value;
  try {
    return await copyAll(value);
  } catch (error) {
    throw unreadable(error);
  }
}

/**
 * The same in one go, for what a caller hands over: they may make the next config of the object while this one is loaded.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID
 */
export function copyAtOnce<Value>(value: Value): Value {
  try {
    const copy = copyValue(value, 0, { values: 0, repeated: 0, known: new Map() });
    if (isRecord(copy)) made.add(copy);
    return copy as Value;
  } catch (error) {
    throw unreadable(error);
  }
}

/** What {@link copyAtOnce} has made: nobody else has it. */
const made = new WeakSet<object>();

function unreadable(error: unknown): ClientCertificateError {
  if (error instanceof ClientCertificateError) return error;
  return new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', 'the config cannot be read', {
    hint: 'It has a getter, or is a Proxy, that throws: the cause says what.',
    cause: error,
  });
}

async function copyAll(value: unknown): Promise<unknown> {
  const copies: Copies = { values: 0, repeated: 0, known: new Map() };
  if (!isRecord(value)) return copyValue(value, 0, copies);
  copies.known.set(value, undefined);
  const sections: Record<string, unknown> = {};
  const rest: Record<string, unknown> = { ...value };
  for (const name of SECTIONS) {
    const section = Object.hasOwn(value, name) ? value[name] : undefined;
    if (!isRecord(section) || copies.known.has(section)) continue;
    const copy: Record<string, unknown> = Object.create(null);
    const before = copies.values;
    copies.known.set(section, undefined);
    await entriesInTurns(section, (key, item) => {
      count(copies, 1);
      copy[key] = copyValue(item, 2, copies);
    });
    copies.known.set(section, { copy, size: copies.values - before });
    sections[name] = copy;
    rest[name] = undefined;
  }
  return Object.assign(copyObject(rest, 0, copies), sections);
}

/** Whether something holds values by name, and is nothing else. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/** What has been copied so far. */
interface Copies {
  /** Values, counted as often as they stand somewhere. */
  values: number;
  /** Those of them that an object brings which stands in several places. */
  repeated: number;
  /** Each object with its copy, and how many values are in it; `undefined` while it is being copied. */
  readonly known: Map<object, { readonly copy: unknown; readonly size: number } | undefined>;
}

function copyValue(value: unknown, depth: number, copies: Copies): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const isWhole = isUrl(value) || types.isUint8Array(value);
  if (depth > DEEPEST && !isWhole) return NOT_DATA;
  const known = copies.known.get(value);
  if (known !== undefined) {
    copies.repeated += known.size;
    count(copies, known.size);
    return known.copy;
  }
  if (types.isPromise(value)) return PROMISE;
  if (isWhole) {
    // The caller's, who may make another of it, and a later config is compared with this one.
    const copy = isUrl(value) ? new URL(value.href) : copyOfBytes(value);
    copies.known.set(value, { copy, size: 0 });
    return copy;
  }
  const list = Array.isArray(value);
  const circular = copies.known.has(value);
  if (circular || (!list && Object.prototype.toString.call(value) !== '[object Object]')) return NOT_DATA;
  const before = copies.values;
  copies.known.set(value, undefined);
  const copy = list ? copyList(value, depth, copies) : copyObject(value, depth, copies);
  copies.known.set(value, { copy, size: copies.values - before });
  return copy;
}

function copyList(list: readonly unknown[], depth: number, copies: Copies): unknown[] {
  count(copies, list.length);
  return Array.from(list, (item) => copyValue(item, depth + 1, copies));
}

function copyObject(value: object, depth: number, copies: Copies): Record<string, unknown> {
  const copy: Record<string, unknown> = Object.create(null);
  const entries = Object.entries(value);
  count(copies, entries.length);
  for (const [key, item] of entries) copy[key] = copyValue(item, depth + 1, copies);
  return copy;
}

const NOT_DATA = Symbol('not plain data');
/** What somebody forgot to await. */
export const PROMISE: unique symbol = Symbol('a promise');
const DEEPEST = 8;

/** As many as a hundred thousand rules take with all their options. */
export const MOST_VALUES = 1_000_000;
/** An alias in YAML is the same object again, which may hold others that are: a few lines can stand for any number. */
const MOST_REPEATED = 50_000;

function count(copies: Copies, values: number): void {
  copies.values += values;
  if (copies.values > MOST_VALUES) throw tooMany(MOST_VALUES, 'values');
  if (copies.repeated > MOST_REPEATED) throw tooMany(MOST_REPEATED, 'values that stand in several places');
}

function tooMany(most: number, what: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `the config holds more than ${most.toLocaleString('en')} ${what}`,
    { hint: 'Aliases in YAML count each time they are used. Put one wildcard in place of many hosts.' },
  );
}

/** The part of valibot's schema objects that is read here. */
interface Shape {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly options?: readonly Shape[];
  readonly wrapped?: Shape;
  readonly item?: Shape;
  readonly value?: Shape;
}

type Path = readonly (string | number)[];

/**
 * Every key that the schema does not know, each with the option that may have been meant. (valibot names one per
 * object, and takes `constructor` for known.)
 */
export function findUnknownKeys(schema: unknown, value: unknown, path: Path = []): Issue[] {
  const shape = schema as Shape;
  if (typeof value !== 'object' || value === null || isUrl(value) || types.isUint8Array(value)) return [];
  if (Array.isArray(value)) {
    const item = choose(shape, ARRAY)?.item;
    if (item === undefined) return [listed(path)];
    return value.flatMap((each, index) => findUnknownKeys(item, each, [...path, index]));
  }
  const found = choose(shape, OBJECT, value);
  if (found === undefined) return [];
  const { entries } = found;
  if (entries !== undefined && Object.keys(value).length > MOST_OPTIONS) return [crowded(path)];
  return Object.entries(value).flatMap(([key, item]): Issue[] => {
    const inner = [...path, key];
    if (entries === undefined) return findUnknownKeys(found.value, item, inner);
    return Object.hasOwn(entries, key)
      ? findUnknownKeys(entries[key], item, inner)
      : [unknownKey(inner, key, Object.keys(entries))];
  });
}

const ARRAY: ReadonlySet<string> = new Set(['array']);
const OBJECT: ReadonlySet<string> = new Set(['strict_object', 'record']);

/** The branch of a schema that describes arrays, or objects: of several, the one that knows a key of the value. */
function choose(shape: Shape, wanted: ReadonlySet<string>, value: object = {}): Shape | undefined {
  if (wanted.has(shape.type)) return shape;
  if (shape.wrapped !== undefined) return choose(shape.wrapped, wanted, value);
  const found = (shape.options ?? [])
    .map((option) => (typeof option === 'object' ? choose(option, wanted, value) : undefined))
    .filter((each) => each !== undefined);
  return (
    found.find(({ entries }) => Object.keys(value).some((key) => entries && Object.hasOwn(entries, key))) ??
    found[0]
  );
}

/** To valibot a list is an object, too. */
function listed(path: Path): Issue {
  return { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: 'must not be a list' };
}

/** There are some twenty. To tell of each by name that is none takes a second for a hundred thousand of them. */
const MOST_OPTIONS = 1000;

function crowded(path: Path): Issue {
  const message = `has more than ${MOST_OPTIONS.toLocaleString('en')} options`;
  return { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message };
}

function unknownKey(path: Path, key: string, known: readonly string[]): Issue {
  const meant = [...(FOREIGN.get(key.toLowerCase()) ?? []), ...findNearest(key, known, 1)].find((name) =>
    known.includes(name),
  );
  const advice =
    ADVICE.get(key) ??
    (meant === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${meant}\`?`);
  const isName = isPlausible(key, 'option') || (meant !== undefined && !isSecret(key));
  const shown = isName ? `\`${key}\`` : show(key, 'option');
  return { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path, message: `unknown option ${shown}: ${advice}` };
}

/** What other tools call the same thing, in lower case. */
const FOREIGN: ReadonlyMap<string, readonly string[]> = new Map([
  ['password', ['passphrase']],
  ['pass', ['passphrase']],
  ['pwd', ['passphrase']],
  ['secret', ['passphrase']],
  ['pin', ['passphrase', 'spki']],
  ['storepass', ['passphrase']],
  ['keypass', ['keyPassphrase']],
  ['keypassword', ['keyPassphrase']],
  ['p12', ['pfx']],
  ['pkcs12', ['pfx']],
  ['keystore', ['pfx']],
  ['jks', ['pfx']],
  ['file', ['pfx', 'env']],
  ['path', ['pfx', 'dir']],
  ['crt', ['cert']],
  ['pem', ['cert']],
  ['certificate', ['cert']],
  ['cert', ['certificate', 'certificates']],
  ['certpath', ['cert']],
  ['certs', ['certificates', 'cert']],
  ['privatekey', ['key']],
  ['keypath', ['key']],
  ['directory', ['dir']],
  ['folder', ['dir']],
  ['truststore', ['ca']],
  ['cacertificates', ['ca']],
  ['roots', ['ca']],
  ['friendlyname', ['alias']],
  ['host', ['hosts']],
  ['domains', ['hosts']],
  ['urls', ['hosts']],
  ['origins', ['hosts']],
  ['minversion', ['tls', 'min']],
  ['maxversion', ['tls', 'max']],
  ['secureprotocol', ['tls']],
  ['fallback', ['default']],
  ['pins', ['spki']],
  ['pinsha256', ['spki']],
  ['auth', ['authorization']],
  ['headers', ['authorization']],
]);

/** Keys that have no counterpart here, and what to do instead. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  [
    'rejectUnauthorized',
    'servers are verified; trust a private root with `ca`, or see `dangerouslyAcceptAnyServer`',
  ],
  ['checkServerIdentity', "the server's name is always checked; pin its key with `spki`"],
  ['secureOptions', 'servers without RFC 5746 need `tls: { legacy: true }`'],
  ['ciphers', 'old servers need `tls: { min: "TLSv1", legacy: true }`'],
]);
