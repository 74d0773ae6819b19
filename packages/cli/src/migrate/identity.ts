import type { Node, ObjectExpression } from '@babel/types';
import { type Code, initialOf, objectAt, resolvedObject } from './code.ts';
import { type FoundPassphrase, type Material, materialOf, passphraseOf } from './material.ts';
import { Refused } from './refused.ts';
import { bare, keyOf } from './syntax.ts';
import { textOf } from './value.ts';

/** What is presented, and how, in the words of a config. */
export interface Identity {
  readonly pfx?: Material | undefined;
  readonly cert?: readonly Material[] | undefined;
  readonly key?: Material | undefined;
  readonly ca: readonly Material[];
  readonly passphrase?: FoundPassphrase;
  readonly tls?: TlsRule | undefined;
  readonly servername?: string | undefined;
}

export type TlsRule = string | { min?: string; max?: string; legacy?: true };

/** Options that wire an identity by hand, and what else stands among them. */
export interface Wiring {
  readonly identity: Identity;
  /** The names of the options that say it, and go. */
  readonly spent: readonly string[];
  /** Those that stay. */
  readonly others: readonly string[];
}

/** The names that say which certificate, in the options of Node and in those of got. */
const CERTIFICATE = ['pfx', 'cert', 'key', 'certificate'];

const VERSIONS: Readonly<Record<string, string>> = {
  TLSv1_method: 'TLSv1',
  TLSv1_1_method: 'TLSv1.1',
  TLSv1_2_method: 'TLSv1.2',
  TLSv1_3_method: 'TLSv1.3',
};

/** What a config has no word for: how a server is checked, and what else TLS may be told. */
const NO_PLACE = new Set([
  'ALPNProtocols',
  'alpnProtocols',
  'checkServerIdentity',
  'ciphers',
  'clientCertEngine',
  'createConnection',
  'crl',
  'certificateRevocationLists',
  'dhparam',
  'ecdhCurve',
  'honorCipherOrder',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'secureContext',
  'secureOptions',
  'session',
  'sigalgs',
  'signatureAlgorithms',
  'socketPath',
  'tlsSessionLifetime',
]);

/** Whether an option of a request is about TLS. */
export function isTlsOption(name: string): boolean {
  return TLS.has(name);
}

const TLS = new Set([
  ...CERTIFICATE,
  ...NO_PLACE,
  'ca',
  'maxVersion',
  'minVersion',
  'passphrase',
  'rejectUnauthorized',
  'secureProtocol',
  'servername',
]);

/** Whether options say which certificate is presented; those that are only about roots do not. */
export function namesCertificate(
  code: Code,
  options: Node | undefined,
  seen: Set<Node> = new Set(),
): boolean {
  const object = resolvedObject(code, options);
  if (!object || seen.has(object)) return false;
  seen.add(object);
  return object.properties.some((each) =>
    each.type === 'SpreadElement'
      ? namesCertificate(code, each.argument, seen)
      : CERTIFICATE.includes(keyOf(each) ?? ''),
  );
}

/** @throws Refused where the options say something that a config cannot, or that is computed */
export function readWiring(code: Code, object: ObjectExpression): Wiring {
  const values = new Map<string, Node>();
  for (const property of object.properties) {
    const name = keyOf(property);
    if (property.type !== 'ObjectProperty' || name === undefined)
      throw new Refused('its options are put together from others', 'Write them out where they are used.');
    values.set(name, property.value);
  }
  return readOptions(code, values);
}

/**
 * @param paths Which of them may be the path of a file as well.
 * @throws Refused
 */
export function readOptions(
  code: Code,
  values: ReadonlyMap<string, Node>,
  paths: ReadonlySet<string> = new Set(),
): Wiring {
  const spent = new Set<string>();
  const take = (...names: string[]) => {
    const name = names.find((each) => values.has(each));
    if (name !== undefined) spent.add(name);
    return name === undefined ? undefined : values.get(name);
  };
  const rejecting = take('rejectUnauthorized', 'strictSSL');
  if (rejecting && !isTrue(code, rejecting))
    throw new Refused(
      'no server is verified (rejectUnauthorized)',
      'Name the root of the server as ca first: see coming-from/reject-unauthorized in the documentation.',
    );
  for (const name of values.keys())
    if (NO_PLACE.has(name)) throw new Refused(`a config has no place for its option "${name}"`);

  const one = (what: string, name: string) => {
    const node = take(name);
    return node && materialOf(code, single(code, node, what), what, paths.has(name));
  };
  const all = (what: string, name: string, inGot: string) => {
    const node = take(name, inGot);
    return node ? elements(code, node).map((each) => materialOf(code, each, what, paths.has(name))) : [];
  };
  const pfx = one('the PFX', 'pfx');
  const cert = all('the certificate', 'cert', 'certificate');
  const key = one('the key', 'key');
  const ca = all('the root', 'ca', 'certificateAuthority');
  if (!pfx && cert.length === 0) throw new Refused('it has a key and no certificate');
  const passphrase = passphraseOf(code, take('passphrase'));
  const tls = readVersions(code, take('minVersion'), take('maxVersion'), take('secureProtocol'));
  const servername = take('servername');
  const name = servername && textOf(code, servername);
  if (servername && !name?.complete) throw new Refused('its option "servername" is computed');
  return {
    identity: {
      ...(pfx && { pfx }),
      ...(cert.length > 0 && { cert }),
      ...(key && { key }),
      ca,
      passphrase,
      tls,
      servername: name?.text,
    },
    spent: [...spent],
    others: [...values.keys()].filter((each) => !spent.has(each)),
  };
}

function isTrue(code: Code, node: Node): boolean {
  const value = bare(node);
  if (value.type === 'BooleanLiteral') return value.value;
  const initial = initialOf(code, value);
  return initial !== undefined && isTrue(code, initial);
}

function elements(code: Code, node: Node): Node[] {
  const list = listAt(code, node);
  if (!list) return [node];
  return list.map((each) => {
    if (!each || each.type === 'SpreadElement') throw new Refused('a list in its options is computed');
    return each;
  });
}

function listAt(code: Code, given: Node): readonly (Node | null)[] | undefined {
  const node = bare(given);
  if (node.type === 'ArrayExpression') return node.elements;
  const initial = initialOf(code, node);
  return initial?.type === 'ArrayExpression' ? initial.elements : undefined;
}

/** Of a list with one element that element; Node takes `{ buf, passphrase }` there, which stays by hand. */
function single(code: Code, node: Node, what: string): Node {
  const list = listAt(code, node);
  if (list && list.length !== 1) throw new Refused(`${what} is a list of several`);
  const element = list ? list[0]! : node;
  if (objectAt(code, element)) throw new Refused(`${what} is an object with a passphrase of its own`);
  return element;
}

function readVersions(
  code: Code,
  min: Node | undefined,
  max: Node | undefined,
  protocol: Node | undefined,
): TlsRule | undefined {
  const read = (node: Node | undefined) => {
    const text = node && textOf(code, node);
    if (node && !text?.complete) throw new Refused('its TLS version is computed');
    return text?.text;
  };
  const named = read(protocol);
  if (named !== undefined && VERSIONS[named] === undefined && !/^TLS(v1)?_(client_)?method$/.test(named))
    throw new Refused('its option "secureProtocol" has no place in a config');
  const fixed = named === undefined ? undefined : VERSIONS[named];
  const range = { min: fixed ?? read(min), max: fixed ?? read(max) };
  if (range.min === undefined && range.max === undefined) return undefined;
  const legacy = [range.min, range.max].some((each) => each === 'TLSv1' || each === 'TLSv1.1');
  if (range.min === range.max && !legacy) return range.min!;
  return {
    ...(range.min !== undefined && { min: range.min }),
    ...(range.max !== undefined && { max: range.max }),
    ...(legacy && { legacy: true }),
  };
}
