import type { CallExpression, NewExpression, Node, ObjectExpression } from '@babel/types';
import {
  type Code,
  callWith,
  isExported,
  moduleNameOf,
  objectAt,
  outerOf,
  propertyOf,
  usesOf,
} from '../code.ts';
import { type Hosts, hostOf, hostOfOptions, together } from '../hosts.ts';
import { isTlsOption, namesCertificate, readOptions, readWiring } from '../identity.ts';
import { sourceOf } from '../layout.ts';
import { Refused } from '../refused.ts';
import type { Site } from '../site.ts';
import { bare, keyOf } from '../syntax.ts';
import { placeToWait, waitedFor, waitFor, wayToLoad } from '../waiting.ts';
import { type AgentUse, readAxiosUse } from './axios.ts';
import { readSoapUse } from './soap.ts';

const CORE = '@clientcert/core';

/** `new https.Agent({ pfx, … })`, whatever it is given to. */
export function readAgent(code: Code, node: NewExpression): Site {
  const object = objectAt(code, node.arguments[0]);
  if (!object)
    throw new Refused('its options are used elsewhere as well', 'Write them out where they are used.');
  if (bare(node.arguments[0]!) !== object)
    throw new Refused('its options are written elsewhere', 'Write them out where they are used.');
  const { identity, spent, others } = readWiring(code, object);
  const { uses, binding } = usesOf(code, node);
  const known = uses.map((use) => readAxiosUse(code, use) ?? readSoapUse(code, use));
  const plain = uses.filter((_, index) => !known[index]);
  // Connections are kept by ours in any case.
  const isShared = binding !== undefined && isExported(code, binding);
  const keepsAgent =
    plain.length > 0 || isShared || others.some((name) => name !== 'keepAlive') || uses.length === 0;
  const way = keepsAgent ? wayToLoad(code, node, uses, binding) : 'here';
  const adapters = known.filter((use): use is AgentUse => use !== undefined);
  const from = adapters[0]?.from ?? CORE;
  return {
    node,
    what: 'new https.Agent(…)',
    identity,
    hosts: isShared
      ? undefined
      : together([...adapters.map(({ hosts }) => hosts), ...plain.map((use) => hostsOfUse(code, use))]),
    service: serviceOf(adapters, keepsAgent),
    notes: [],
    change(rewrite, service) {
      for (const use of adapters) use.change(rewrite, service, keepsAgent);
      if (!keepsAgent) return;
      const as = service === undefined ? undefined : `service: ${rewrite.quoted(service)}`;
      const make = (credentials: string) => {
        const isLeft = others.length > 0;
        const options = as === undefined ? '' : `{ ${as} }`;
        rewrite.edits.replace(
          { start: node.start!, end: isLeft ? object.start! : node.end! },
          `${credentials}.agent(${isLeft ? '' : `${options})`}`,
        );
        if (isLeft) rewrite.removeProperties(object, spent, as);
      };
      if (way === 'here') return make(rewrite.loaded(from, node)!);
      waitFor(rewrite, uses, binding!);
      make(`${rewrite.credentials(from, node)}.then((loaded) => loaded`);
      rewrite.edits.insert(node.end!, ')');
    },
  };
}

function serviceOf(adapters: readonly AgentUse[], keepsAgent: boolean): Site['service'] {
  if (adapters.some(({ service }) => service === 'never')) return 'never';
  return keepsAgent ? 'at its hosts' : 'anywhere';
}

/** `https.request({ pfx, … })` and `https.get`. */
export function readRequest(code: Code, call: CallExpression): Site | undefined {
  const given = call.arguments.find((each) => namesCertificate(code, each));
  if (!given) return undefined;
  const object = objectAt(code, given);
  if (!object)
    throw new Refused('its options are used elsewhere as well', 'Write them out where they are used.');
  const values = new Map<string, Node>();
  for (const property of object.properties) {
    const name = keyOf(property);
    if (property.type === 'SpreadElement' || name === undefined)
      throw new Refused('its options are put together from others', 'Write them out where they are used.');
    if (name === 'agent') throw new Refused('it has an agent of its own beside the certificate');
    if (isTlsOption(name) && property.type === 'ObjectProperty') values.set(name, property.value);
  }
  const { identity, spent } = readOptions(code, values);
  if (!code.awaitsOnTop) placeToWait(code, call);
  const [first] = call.arguments;
  const url =
    first && bare(first) !== object && objectAt(code, first) !== object ? hostOf(code, first) : undefined;
  return {
    node: call,
    what: `${sourceOf(code, call.callee)}({ … })`,
    identity,
    hosts: url === undefined || url === 'relative' ? hostOfOptions(code, object) : url,
    service: 'at its hosts',
    notes: [],
    change(rewrite, service) {
      const credentials = rewrite.credentials(CORE, call);
      const options = service === undefined ? '' : `{ service: ${rewrite.quoted(service)} }`;
      const isLoaded = code.awaitsOnTop;
      const name = rewrite.atTop(`agent ${service}`, ['agent', 'httpsAgent'], (agent) =>
        isLoaded
          ? `const ${agent} = ${credentials}.agent(${options})`
          : `const ${agent} = ${credentials}.then((loaded) => loaded.agent(${options}))`,
      );
      const value = isLoaded ? name : waitedFor(rewrite, call, name);
      rewrite.removeProperties(object, spent, value === 'agent' ? value : `agent: ${value}`);
    },
  };
}

/** Where a call goes that is given an agent, or a dispatcher. */
export function hostsOfUse(code: Code, use: Node): Hosts {
  const property = outerOf(code, use);
  if (property?.type === 'MemberExpression') return []; // a method of its own, such as destroy()
  if (property?.type !== 'ObjectProperty') return undefined;
  const object = code.parents.get(property);
  if (object?.type !== 'ObjectExpression') return undefined;
  const outer = outerOf(code, object);
  // got's { agent: { https } }
  if (outer?.type === 'ObjectProperty' && keyOf(outer) === 'agent')
    return hostsOfOptions(code, code.parents.get(outer)!);
  return hostsOfOptions(code, object);
}

function hostsOfOptions(code: Code, object: Node): Hosts {
  if (object.type !== 'ObjectExpression') return undefined;
  const found = callWith(code, object);
  if (!found) return undefined;
  for (const name of ['baseURL', 'prefixUrl', 'url']) {
    const url = propertyOf(object, name)?.value;
    const host = url && hostOf(code, url);
    if (host !== undefined && host !== 'relative') return host;
  }
  const { call, index } = found;
  const host = index > 0 ? hostOf(code, call.arguments[0]) : undefined;
  if (host !== undefined && host !== 'relative') return host;
  const isHttps = /^https\.(request|get)$/.test(moduleNameOf(code, call.callee) ?? '');
  return isHttps ? hostOfOptions(code, object as ObjectExpression) : undefined;
}
