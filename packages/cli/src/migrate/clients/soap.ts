import type { CallExpression, NewExpression, Node, ObjectExpression } from '@babel/types';
import {
  type Code,
  callWith,
  initialOf,
  moduleNameOf,
  objectAt,
  outerOf,
  propertyOf,
  usesOf,
} from '../code.ts';
import { type Hosts, hostOf, together } from '../hosts.ts';
import { readOptions } from '../identity.ts';
import { rangeOf } from '../layout.ts';
import { Refused } from '../refused.ts';
import type { Site } from '../site.ts';
import { bare, keyOf, walk } from '../syntax.ts';
import type { AgentUse } from './axios.ts';

const SOAP = '@clientcert/soap';
const CREATE = /^soap\.createClient(Async)?$/;

const ADDRESS_NOTE =
  'calls go to the address that the WSDL says: where that is another host, add it to the rules';

/** `new soap.ClientSSLSecurity(key, cert, ca, defaults)` and `new soap.ClientSSLSecurityPFX(pfx, passphrase, defaults)`. */
export function readSecurity(code: Code, node: NewExpression): Site {
  const isPfx = moduleNameOf(code, node.callee) === 'soap.ClientSSLSecurityPFX';
  const values = new Map<string, Node>();
  const args = node.arguments as Node[];
  const isObject = (each: Node | undefined) => each && objectAt(code, each) !== undefined;
  const names = isPfx ? ['pfx', 'passphrase'] : ['key', 'cert', 'ca'];
  for (const [index, name] of names.entries()) {
    const given = args[index];
    if (given && !isObject(given) && !isNothing(given)) values.set(name, given);
  }
  const paths = new Set([...values.keys()].filter((name) => name !== 'passphrase'));
  for (const given of args.slice(isPfx ? 1 : 2)) {
    const defaults = objectAt(code, given);
    for (const property of defaults?.properties ?? []) {
      const name = keyOf(property);
      if (property.type !== 'ObjectProperty' || name === undefined)
        throw new Refused('its options are put together from others');
      // Connections are kept by ours in any case.
      if (name !== 'forever' && name !== 'keepAlive' && !paths.has(name)) values.set(name, property.value);
    }
    if (!defaults && !names.includes(nameFor(args, given, names)))
      throw new Refused('its options are put together from others');
  }
  const { identity, others } = readOptions(code, values, paths);
  if (others.length > 0) throw new Refused(`a config has no place for its option "${others[0]}"`);
  return {
    node,
    what: `new ${isPfx ? 'ClientSSLSecurityPFX' : 'ClientSSLSecurity'}(…)`,
    identity,
    hosts: hostsOfSecurity(code, node),
    service: 'at its hosts',
    notes: [ADDRESS_NOTE],
    change(rewrite, service) {
      const credentials = rewrite.credentials(SOAP, node);
      const security = rewrite.import(SOAP, 'ClientCertificateSecurity');
      const as = service === undefined ? '' : `, { service: ${rewrite.quoted(service)} }`;
      rewrite.edits.replace(rangeOf(node), `new ${security}(${credentials}${as})`);
    },
  };
}

function nameFor(args: readonly Node[], given: Node, names: readonly string[]): string {
  return names[args.indexOf(given)] ?? '';
}

function isNothing(node: Node): boolean {
  const value = bare(node);
  return value.type === 'NullLiteral' || (value.type === 'Identifier' && value.name === 'undefined');
}

/** `createClient(url, { wsdl_options: { httpsAgent } })`. */
export function readSoapUse(code: Code, use: Node): AgentUse | undefined {
  const property = outerOf(code, use);
  if (property?.type !== 'ObjectProperty' || keyOf(property) !== 'httpsAgent') return undefined;
  const inner = code.parents.get(property) as ObjectExpression;
  const outer = outerOf(code, usesOf(code, inner).uses[0] ?? inner);
  if (outer?.type !== 'ObjectProperty' || keyOf(outer) !== 'wsdl_options') return undefined;
  const options = code.parents.get(outer) as ObjectExpression;
  const found = callWith(code, options);
  if (!found || !CREATE.test(moduleNameOf(code, found.call.callee) ?? '')) return undefined;
  const { call, argument } = found;
  return {
    from: SOAP,
    hosts: hostsOfClient(code, call),
    service: 'anywhere',
    change(rewrite, service, keepsAgent) {
      const credentials = rewrite.credentials(SOAP, call);
      const ours = rewrite.import(SOAP, 'soapOptions');
      const as = service === undefined ? [] : [`service: ${rewrite.quoted(service)}`];
      const isLast = inner.properties.length === 1;
      if (!keepsAgent && isLast && options.properties.length === 1) {
        rewrite.edits.replace(
          rangeOf(argument),
          `${[`${ours}(${credentials}`, ...as.map((each) => `{ ${each} }`)].join(', ')})`,
        );
        return;
      }
      rewrite.edits.insert(argument.start!, `${ours}(${credentials}, `);
      rewrite.edits.insert(argument.end!, ')');
      if (keepsAgent) {
        if (as.length > 0) rewrite.edits.insert(options.start! + 1, ` ${as[0]},`);
      } else if (isLast) rewrite.removeProperties(options, ['wsdl_options'], as[0]);
      else {
        rewrite.removeProperties(inner, ['httpsAgent']);
        if (as.length > 0) rewrite.edits.insert(options.start! + 1, ` ${as[0]},`);
      }
    },
  };
}

/** The address of the WSDL, and those that calls are sent to in its place. */
function hostsOfClient(code: Code, call: CallExpression): Hosts {
  const url = hostOf(code, call.arguments[0]);
  const endpoint = propertyOf(objectAt(code, call.arguments[1]), 'endpoint')?.value;
  const set: Node[] = endpoint ? [endpoint] : [];
  set.push(...callsIn(code).addresses);
  const named = set.map((each) => {
    const host = hostOf(code, each);
    return host === 'relative' ? undefined : host;
  });
  // A WSDL on the disk is fetched from nowhere.
  return url === 'relative' ? together(named) : together([url, ...named]);
}

/** What a file calls that is about clients: those that make one, and the addresses that calls are sent to. */
function callsIn(code: Code): Calls {
  const known = calls.get(code);
  if (known) return known;
  const found: Calls = { clients: [], addresses: [] };
  walk(code.program, (node) => {
    if (node.type !== 'CallExpression') return;
    const [address] = node.arguments;
    if (node.callee.type === 'MemberExpression' && keyOf(node.callee) === 'setEndpoint' && address)
      found.addresses.push(address);
    if (CREATE.test(moduleNameOf(code, node.callee) ?? '')) found.clients.push(node);
  });
  calls.set(code, found);
  return found;
}

interface Calls {
  readonly clients: CallExpression[];
  readonly addresses: Node[];
}

const calls = new WeakMap<Code, Calls>();

function hostsOfSecurity(code: Code, node: NewExpression): Hosts {
  const { clients: calls } = callsIn(code);
  const own = usesOf(code, node).uses.flatMap((use) => clientOf(code, use) ?? []);
  if (own.length > 0) return together([...new Set(own)].map((call) => hostsOfClient(code, call)));
  return calls.length === 1 ? hostsOfClient(code, calls[0]!) : undefined;
}

/** The call that made the client whose security it is. */
function clientOf(code: Code, use: Node): CallExpression | undefined {
  const call = outerOf(code, use);
  if (call?.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return undefined;
  const client = bare(call.callee.object);
  const initial = initialOf(code, client);
  const made = initial?.type === 'AwaitExpression' ? bare(initial.argument) : undefined;
  if (made?.type === 'CallExpression' && CREATE.test(moduleNameOf(code, made.callee) ?? '')) return made;
  // createClient(url, (error, client) => …), createClientAsync(url).then((client) => …)
  const callback = code.bindingOf(client)?.declaration;
  const giver = callback && outerOf(code, callback);
  if (giver?.type !== 'CallExpression') return undefined;
  if (CREATE.test(moduleNameOf(code, giver.callee) ?? '')) return giver;
  const promised = giver.callee.type === 'MemberExpression' ? bare(giver.callee.object) : undefined;
  return promised?.type === 'CallExpression' && CREATE.test(moduleNameOf(code, promised.callee) ?? '')
    ? promised
    : undefined;
}
