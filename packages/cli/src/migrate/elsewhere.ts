import type { Node, ObjectExpression } from '@babel/types';
import { type Code, moduleNameOf, outerOf, propertyOf, usesOf } from './code.ts';
import type { Left } from './site.ts';
import { bare, isFunction, keyOf, walk } from './syntax.ts';

/**
 * Where a certificate stands in code and no client is known that takes it: options of `tls.connect`, of request, of
 * node-soap's `wsdl_options`, `https.globalAgent.options.pfx = …`, superagent's `.pfx(…)`. What a server presents is
 * its own affair, and what `@clientcert/*` is given is where it should be.
 *
 * @param known The nodes of what was found already.
 */
export function findElsewhere(code: Code, known: ReadonlySet<Node>): Left[] {
  const left: Left[] = [];
  const leave = (node: Node, what: string) => left.push({ node, what, reason: REASON, hint: HINT });
  const keys = new Set<string>();
  walk(code.program, (node) => {
    const to = node.type === 'AssignmentExpression' ? bare(node.left) : undefined;
    const key = to?.type === 'MemberExpression' ? keyOf(to) : undefined;
    if (key === 'key' && to?.type === 'MemberExpression') keys.add(textOf(code, to.object));
  });
  walk(code.program, (node) => {
    switch (node.type) {
      case 'ObjectExpression': {
        if (!presents(node)) return;
        const what = ownerOf(code, node, known);
        if (what !== undefined) leave(node, what);
        return;
      }
      case 'AssignmentExpression': {
        const to = bare(node.left);
        if (to.type !== 'MemberExpression') return;
        const key = keyOf(to);
        const isOne = key === 'pfx' || (key === 'cert' && keys.has(textOf(code, to.object)));
        if (isOne && !/server/i.test(textOf(code, to.object))) leave(node, `… .${key} = …`);
        return;
      }
      case 'CallExpression': {
        const callee = bare(node.callee);
        const key = callee.type === 'MemberExpression' ? keyOf(callee) : undefined;
        if (
          (key === 'pfx' || key === 'cert') &&
          SUPERAGENT.test(code.text) &&
          node.arguments.length > 0 &&
          !isOurs(code, node)
        )
          leave(node, `.${key}(…)`);
      }
    }
  });
  // `.pfx({ pfx, … })` is one place and not two.
  const calls = new Set(left.map(({ node }) => node));
  return left.filter(({ node }) => !calls.has(outerOf(code, node)!));
}

const SUPERAGENT = /['"`](superagent|supertest)['"`]/;
const REASON = 'nothing that migrate knows takes this certificate';
const HINT =
  'Change it by hand: load the certificate with loadCredentials and give the client its agent. Coming from other clients: see the documentation.';

function presents(object: ObjectExpression): boolean {
  const has = (name: string) => propertyOf(object, name) !== undefined;
  if (has('pfx')) return true;
  return (has('cert') && (has('key') || has('passphrase'))) || (has('certificate') && has('passphrase'));
}

/** What takes the options, to name it by; `undefined` where it is known, a server's, or ours. */
function ownerOf(code: Code, object: Node, known: ReadonlySet<Node>): string | undefined {
  const { uses } = usesOf(code, object);
  const owners = uses.map((use) => climb(code, use, known));
  if (known.has(object) || owners.some((owner) => owner === undefined)) return undefined;
  const owner = owners.find((each) => each !== '');
  // What a function returns in a program that uses ours is most likely a source of ours.
  return owner ?? (/['"`]@clientcert\//.test(code.text) ? undefined : 'options with a certificate');
}

function climb(code: Code, use: Node, known: ReadonlySet<Node>): string | undefined {
  let what = '';
  for (let at: Node | undefined = use; at && !isFunction(at); at = code.parents.get(at)) {
    if (known.has(at)) return undefined;
    if (at.type === 'ObjectProperty') {
      const key = keyOf(at) ?? '';
      if (SERVER.test(key) || /^certificates$/.test(key)) return undefined;
      what ||= key;
    } else if (at.type === 'VariableDeclarator' && at.id.type === 'Identifier') {
      if (SERVER.test(at.id.name) || at.id.name === 'certificates') return undefined;
    } else if (at.type === 'CallExpression' || at.type === 'NewExpression') {
      const name = moduleNameOf(code, at.callee) ?? keyOf(bare(at.callee)) ?? identifier(at.callee);
      if (SERVER.test(name) || isOurs(code, at)) return undefined;
      what = `${at.type === 'NewExpression' ? 'new ' : ''}${name}(${what === '' ? '…' : `{ ${what} }`})`;
    }
  }
  return what;
}

const SERVER = /server|fastify|hapi|restify|addContext|setSecureContext|httpsOptions/i;

function isOurs(code: Code, call: { callee: Node }): boolean {
  return (moduleNameOf(code, call.callee) ?? '').startsWith('@clientcert/');
}

function identifier(node: Node): string {
  const inner = bare(node);
  return inner.type === 'Identifier' ? inner.name : '';
}

function textOf(code: Code, node: Node): string {
  return code.text.slice(node.start!, node.end!);
}
