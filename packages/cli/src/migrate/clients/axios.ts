import type { CallExpression, Node, ObjectExpression } from '@babel/types';
import {
  type Code,
  callWith,
  initialOf,
  isExported,
  moduleNameOf,
  outerOf,
  propertyOf,
  statementOf,
} from '../code.ts';
import { type Hosts, hostOf, together } from '../hosts.ts';
import { rangeOf, semicolonOf, sourceOf } from '../layout.ts';
import { Refused } from '../refused.ts';
import type { Rewrite } from '../rewrite.ts';
import type { ServiceUse } from '../site.ts';
import { bare, keyOf } from '../syntax.ts';

const AXIOS = '@clientcert/axios';
const METHOD = /^(request|get|delete|head|options|post|put|patch|(post|put|patch)Form)$/;

/** How a client is given an agent, and what says the same with us. */
export interface AgentUse {
  /** The package that has what is needed. */
  readonly from: string;
  readonly hosts: Hosts;
  readonly service: ServiceUse;
  /** @param keepsAgent Whether the agent stays, for what else its options say. */
  change(rewrite: Rewrite, service: string | undefined, keepsAgent: boolean): void;
}

/**
 * Whether it is axios that an agent, or the name of one, is given to.
 *
 * @throws Refused where it is, and there is no place for ours
 */
export function readAxiosUse(code: Code, use: Node): AgentUse | undefined {
  const parent = outerOf(code, use);
  if (parent?.type === 'AssignmentExpression' && parent.right === use)
    return readDefaults(code, parent.left, parent);
  if (parent?.type !== 'ObjectProperty' || keyOf(parent) !== 'httpsAgent') return undefined;
  const object = code.parents.get(parent) as ObjectExpression;
  const found = callWith(code, object);
  if (!found) return undefined;
  const { call, argument } = found;
  const name = moduleNameOf(code, call.callee);
  const drop = (rewrite: Rewrite, service: string | undefined, keepsAgent: boolean) => {
    const as = service === undefined ? undefined : `clientCertificate: ${rewrite.quoted(service)}`;
    if (keepsAgent) {
      if (as !== undefined) rewrite.edits.insert(object.start! + 1, ` ${as},`);
    } else if (as === undefined && object.properties.length === 1) rewrite.removeArgument(call, argument);
    else rewrite.removeProperties(object, ['httpsAgent'], as);
  };
  if (name === 'axios.create') {
    const hosts = hostsOfInstance(code, call, object);
    const install = installer(code, call);
    const change: AgentUse['change'] = (rewrite, service, keepsAgent) => {
      drop(rewrite, service, keepsAgent);
      install(rewrite);
    };
    return { from: AXIOS, hosts, service: 'anywhere', change };
  }
  const { callee } = call;
  const root =
    callee.type === 'MemberExpression' && METHOD.test(keyOf(callee) ?? '') ? callee.object : callee;
  const instance = bare(root);
  if (instance.type !== 'Identifier') return undefined;
  const hosts = hostOfCall(code, call, object, instance);
  if (moduleNameOf(code, instance) === 'axios') {
    if (code.bindingOf(instance)?.scope !== code.program)
      throw new Refused('axios is required inside a function', 'Require it at the top of the file.');
    const change: AgentUse['change'] = (rewrite, service, keepsAgent) => {
      drop(rewrite, service, keepsAgent);
      const credentials = rewrite.credentials(AXIOS, call);
      const certify = rewrite.import(AXIOS, 'clientCertificates', 'axiosCertificates');
      rewrite.atTop('axios', undefined, () => `${certify}(${instance.name}, ${credentials})`);
    };
    return { from: AXIOS, hosts, service: 'anywhere', change };
  }
  const made = initialOf(code, instance);
  if (made?.type !== 'CallExpression' || moduleNameOf(code, made.callee) !== 'axios.create') return undefined;
  const install = installer(code, made);
  const change: AgentUse['change'] = (rewrite, service, keepsAgent) => {
    drop(rewrite, service, keepsAgent);
    install(rewrite);
  };
  return { from: AXIOS, hosts, service: 'anywhere', change };
}

/** `axios.defaults.httpsAgent = …`, or an instance's. */
function readDefaults(code: Code, left: Node, assignment: Node): AgentUse | undefined {
  if (left.type !== 'MemberExpression' || keyOf(left) !== 'httpsAgent') return undefined;
  const defaults = bare(left.object);
  if (defaults.type !== 'MemberExpression' || keyOf(defaults) !== 'defaults') return undefined;
  const instance = bare(defaults.object);
  const statement = statementOf(code, assignment);
  if (statement?.type !== 'ExpressionStatement' || statement.expression !== assignment) return undefined;
  const made = initialOf(code, instance);
  const isMade = made?.type === 'CallExpression' && moduleNameOf(code, made.callee) === 'axios.create';
  if (!isMade && moduleNameOf(code, instance) !== 'axios') return undefined;
  const object = isMade ? (made.arguments[0] as ObjectExpression | undefined) : undefined;
  const change: AgentUse['change'] = (rewrite, _, keepsAgent) => {
    const credentials = rewrite.credentials(AXIOS, statement);
    const certify = rewrite.import(AXIOS, 'clientCertificates', 'axiosCertificates');
    const line = `${certify}(${sourceOf(code, instance)}, ${credentials})`;
    if (keepsAgent) rewrite.after(statement, line);
    else rewrite.edits.replace(rangeOf(statement), `${line}${semicolonOf(code)}`);
  };
  const hosts = isMade
    ? hostsOfInstance(code, made, object?.type === 'ObjectExpression' ? object : undefined)
    : undefined;
  return { from: AXIOS, hosts, service: 'never', change };
}

/** Puts the one line behind where an instance is made. */
function installer(code: Code, call: CallExpression): (rewrite: Rewrite) => void {
  const parent = outerOf(code, call);
  const statement = statementOf(code, call);
  const line = (rewrite: Rewrite, name: string) => {
    const credentials = rewrite.credentials(AXIOS, call);
    return `${rewrite.import(AXIOS, 'clientCertificates', 'axiosCertificates')}(${name}, ${credentials})`;
  };
  const after = (name: string) => (rewrite: Rewrite) => {
    if (rewrite.first(call)) rewrite.after(statement!, line(rewrite, name));
  };
  const named = (verb: string) => (rewrite: Rewrite) => {
    const name = rewrite.free('api', 'instance');
    rewrite.edits.replace({ start: statement!.start!, end: call.start! }, `const ${name} = `);
    rewrite.after(statement!, line(rewrite, name), `${verb} ${name}`);
  };
  const inStatement =
    parent?.type === 'VariableDeclarator' &&
    /^(VariableDeclaration|ExportNamedDeclaration)$/.test(statement?.type ?? '') &&
    [code.parents.get(parent), code.parents.get(code.parents.get(parent)!)].includes(statement);
  if (inStatement && parent.id.type === 'Identifier') return after(parent.id.name);
  if (
    parent?.type === 'AssignmentExpression' &&
    statement?.type === 'ExpressionStatement' &&
    statement.expression === parent
  )
    return after(sourceOf(code, parent.left));
  if (parent === statement && parent?.type === 'ReturnStatement') return named('return');
  if (parent === statement && parent?.type === 'ExportDefaultDeclaration') return named('export default');
  throw new Refused(
    'the instance of axios has no name that could be given a certificate',
    'Give it one: const api = axios.create(…), or make it in the constructor.',
  );
}

/** Its `baseURL`, and whole URLs that it is called with. */
function hostsOfInstance(code: Code, call: CallExpression, object: ObjectExpression | undefined): Hosts {
  const base = propertyOf(object, 'baseURL')?.value;
  const parent = outerOf(code, call);
  const [binding] = parent?.type === 'VariableDeclarator' ? code.declaredBy(parent) : [];
  const calls = (binding?.references ?? []).flatMap((reference) => {
    const outer = outerOf(code, reference);
    const isMember = outer?.type === 'MemberExpression' && outer.object === reference;
    if (isMember && !METHOD.test(keyOf(outer) ?? '')) return [];
    const called = isMember ? outerOf(code, outer) : outer;
    return called?.type === 'CallExpression' && called.callee === (isMember ? outer : reference)
      ? [called.arguments[0]]
      : [undefined];
  });
  const urls = calls.map((url) => {
    const options = url?.type === 'ObjectExpression' ? propertyOf(url, 'url')?.value : url;
    return hostOf(code, options);
  });
  if (base) {
    const host = hostOf(code, base);
    if (host === undefined || host === 'relative') return undefined;
    return together([host, ...urls.filter((each) => each !== undefined && each !== 'relative')]);
  }
  if (!binding || isExported(code, binding)) return undefined;
  return together(urls.map((each) => (each === 'relative' ? undefined : each)));
}

function hostOfCall(code: Code, call: CallExpression, object: ObjectExpression, instance: Node): Hosts {
  const [first] = call.arguments;
  const isFirst = first && bare(first) === object;
  const url = hostOf(code, isFirst ? propertyOf(object, 'url')?.value : first);
  if (url !== 'relative' && url !== undefined) return url;
  const made = initialOf(code, instance);
  const defaults = made?.type === 'CallExpression' ? made.arguments[0] : undefined;
  const base =
    propertyOf(object, 'baseURL')?.value ??
    (defaults?.type === 'ObjectExpression' ? propertyOf(defaults, 'baseURL')?.value : undefined);
  const host = base ? hostOf(code, base) : undefined;
  return host === 'relative' ? undefined : host;
}
