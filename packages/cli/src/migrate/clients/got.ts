import type { CallExpression, Node, ObjectExpression, ObjectProperty } from '@babel/types';
import {
  type Code,
  callWith,
  initialOf,
  isExported,
  moduleNameOf,
  objectAt,
  outerOf,
  propertyOf,
} from '../code.ts';
import { type Hosts, hostOf, together } from '../hosts.ts';
import { namesCertificate, readWiring } from '../identity.ts';
import { rangeOf, sourceOf } from '../layout.ts';
import { Refused } from '../refused.ts';
import type { Rewrite } from '../rewrite.ts';
import type { Site } from '../site.ts';
import { bare, keyOf } from '../syntax.ts';

const GOT = '@clientcert/got';
const CALL = /^(stream|paginate|get|post|put|patch|head|delete|all|each)$/;

/** `got.extend({ https: { pfx, … } })`, and the same options of one call. */
export function readHttpsOption(code: Code, property: ObjectProperty): Site | undefined {
  const options = code.parents.get(property);
  if (options?.type !== 'ObjectExpression' || !namesCertificate(code, property.value)) return undefined;
  const found = callWith(code, options);
  if (!found) return undefined;
  const { call, argument } = found;
  const callee = bare(call.callee);
  const isExtended = callee.type === 'MemberExpression' && keyOf(callee) === 'extend';
  const instance = isExtended ? callee.object : calledInstance(callee);
  if (!isGot(code, instance)) return undefined;
  if (isOld(code, instance)) throw new Refused('this is got 11 or older', 'got 14, 15 and 16 are supported.');
  const object = objectAt(code, property.value);
  if (!object)
    throw new Refused('its options are used elsewhere as well', 'Write them out where they are used.');
  const { identity, spent, others } = readWiring(code, object);
  const drop = (rewrite: Rewrite) => {
    if (others.length > 0) rewrite.removeProperties(object, spent);
    else if (options.properties.length === 1) return false;
    else rewrite.removeProperties(options, ['https']);
    return true;
  };
  const extension = (rewrite: Rewrite, service: string | undefined) => {
    const certify = rewrite.import(GOT, 'clientCertificates', 'gotCertificates');
    const as = service === undefined ? '' : `, { service: ${rewrite.quoted(service)} }`;
    return `${certify}(${rewrite.credentials(GOT, call)}${as})`;
  };
  return {
    node: property,
    what: `${sourceOf(code, call.callee)}({ https: { … } })`,
    identity,
    hosts: isExtended ? hostsOfInstance(code, call, options) : hostOfCall(code, call, options, instance),
    service: 'anywhere',
    notes: [],
    change(rewrite, service) {
      const isLeft = drop(rewrite);
      if (isExtended) {
        const ours = extension(rewrite, service);
        if (isLeft) rewrite.edits.insert(argument.start!, `${ours}, `);
        else rewrite.edits.replace(rangeOf(argument), ours);
        return;
      }
      if (!isLeft) rewrite.removeArgument(call, argument);
      const root = bare(instance);
      const isModule = moduleNameOf(code, root) === 'got' && code.bindingOf(root)?.scope === code.program;
      const certified = `${sourceOf(code, root)}.extend(${extension(rewrite, service)})`;
      const name = isModule
        ? rewrite.atTop(
            `got ${service}`,
            ['gotWithCertificate', 'certifiedGot'],
            (name) => `const ${name} = ${certified}`,
          )
        : certified;
      rewrite.edits.replace(rangeOf(root), name);
    },
  };
}

function calledInstance(callee: Node): Node {
  if (callee.type !== 'MemberExpression' || !CALL.test(keyOf(callee) ?? '')) return callee;
  return calledInstance(bare(callee.object));
}

/** got itself, or what its `extend` returned. */
function isGot(code: Code, given: Node): boolean {
  const node = bare(given);
  if (moduleNameOf(code, node) === 'got' || moduleNameOf(code, node) === 'got.got') return true;
  const made = node.type === 'Identifier' ? initialOf(code, node) : node;
  if (made?.type !== 'CallExpression' || made.callee.type !== 'MemberExpression') return false;
  return keyOf(made.callee) === 'extend' && isGot(code, made.callee.object);
}

/** Required, got 14 and newer are an ES module with a default: what was required itself could be called up to 11. */
function isOld(code: Code, instance: Node): boolean {
  const node = bare(instance);
  const initial = node.type === 'Identifier' ? initialOf(code, node) : undefined;
  return (
    initial?.type === 'CallExpression' &&
    initial.callee.type === 'Identifier' &&
    initial.callee.name === 'require'
  );
}

function hostsOfInstance(code: Code, call: CallExpression, options: ObjectExpression): Hosts {
  const parent = outerOf(code, call);
  const [binding] = parent?.type === 'VariableDeclarator' ? code.declaredBy(parent) : [];
  const urls = (binding?.references ?? []).map((reference) => {
    let outer = outerOf(code, reference);
    while (outer?.type === 'MemberExpression' && CALL.test(keyOf(outer) ?? '')) outer = outerOf(code, outer);
    return outer?.type === 'CallExpression' && reference.start! < (outer.callee.end ?? 0)
      ? hostOf(code, outer.arguments[0])
      : undefined;
  });
  const prefix = propertyOf(options, 'prefixUrl') ?? propertyOf(options, 'url');
  if (prefix) {
    const host = hostOf(code, prefix.value);
    if (host === undefined || host === 'relative') return undefined;
    return together([host, ...urls.filter((each) => each !== undefined && each !== 'relative')]);
  }
  if (!binding || isExported(code, binding)) return undefined;
  return together(urls.map((each) => (each === 'relative' ? undefined : each)));
}

function hostOfCall(code: Code, call: CallExpression, options: ObjectExpression, instance: Node): Hosts {
  const [first] = call.arguments;
  const isOptions = first && (bare(first) === options || objectAt(code, first) === options);
  const host = hostOf(code, isOptions ? propertyOf(options, 'url')?.value : first);
  if (host !== undefined && host !== 'relative') return host;
  const made = initialOf(code, instance);
  const extended = made?.type === 'CallExpression' ? objectAt(code, made.arguments[0]) : undefined;
  const prefix = propertyOf(options, 'prefixUrl') ?? propertyOf(extended, 'prefixUrl');
  const base = prefix && hostOf(code, prefix.value);
  return base === 'relative' ? undefined : base;
}
