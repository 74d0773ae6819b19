import type { Node } from '@babel/types';
import { type Code, functionAround, isExported, mayAwait, outerOf, statementOf } from './code.ts';
import { endOfLine, indentAt, rangeOf, semicolonOf } from './layout.ts';
import { Refused } from './refused.ts';
import { canLoad, type Rewrite } from './rewrite.ts';
import type { Binding } from './scope.ts';
import { isFunction, walk } from './syntax.ts';

// An agent, or a dispatcher, is made of credentials that are loaded. Where no module waits for them, its name stands
// for the promise of it, and who uses it waits.

/**
 * Whether loaded credentials can be had where something is made of them, or its name has to stand for the promise of it.
 *
 * @throws Refused where neither can be
 */
export function wayToLoad(
  code: Code,
  node: Node,
  uses: readonly Node[],
  binding: Binding | undefined,
): 'here' | 'promise' {
  if (canLoad(code, node)) return 'here';
  const parent = outerOf(code, node);
  const isConst =
    parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier' && !parent.id.typeAnnotation;
  if (!binding || isExported(code, binding) || !isConst) throw cannotWait();
  for (const use of uses) placeToWait(code, use);
  return 'promise';
}

/** @throws Refused where nothing waits for a promise */
export function placeToWait(code: Code, use: Node): 'there' | Place {
  if (mayAwait(code, use)) return 'there';
  const place = before(code, use);
  if (!place) throw cannotWait();
  return place;
}

function cannotWait(): Refused {
  return new Refused(
    'an agent needs credentials that are loaded, and nothing can be awaited there',
    'Make the function around it async, or the file an ES module.',
  );
}

/** What a name stands for is waited for, wherever it is used. */
export function waitFor(rewrite: Rewrite, uses: readonly Node[], { name }: Binding): void {
  const { code, edits } = rewrite;
  for (const use of uses) {
    const parent = code.parents.get(use);
    const isShort = parent?.type === 'ObjectProperty' && parent.shorthand;
    const waited = waitedFor(rewrite, use, name);
    // A line that begins with a parenthesis would go on what stands before it.
    const isFirst = statementOf(code, use)?.start === use.start && semicolonOf(code) === '';
    const isInner = parent?.type === 'MemberExpression' && waited.startsWith('await ');
    const put = isInner ? `${isFirst ? ';' : ''}(${waited})` : waited;
    edits.replace(rangeOf(use), isShort ? `${name}: ${put}` : put);
  }
}

/** The expression that stands for what a promise is of. */
export function waitedFor(rewrite: Rewrite, use: Node, name: string): string {
  const place = placeToWait(rewrite.code, use);
  if (place === 'there') return `await ${name}`;
  const { code, edits } = rewrite;
  const { statement, toBeAsync } = place;
  return rewrite.once(`${name} ${statement.start}`, () => {
    const local = rewrite.free(`loaded${name[0]!.toUpperCase()}${name.slice(1)}`);
    const line = `const ${local} = await ${name}${semicolonOf(code)}${endOfLine(code)}`;
    edits.insert(statement.start!, line + indentAt(code, statement.start!));
    if (toBeAsync && rewrite.first(toBeAsync)) edits.insert(asyncAt(toBeAsync), 'async ');
    return local;
  });
}

/** A statement before which can be waited, once the function around it is async. */
export interface Place {
  readonly statement: Node;
  readonly toBeAsync: Node | undefined;
}

/** In an async function around the one that a use stands in, or in one that returns a promise it makes. */
function before(code: Code, use: Node): Place | undefined {
  let inner = functionAround(code, use);
  while (inner && isFunction(inner)) {
    const statement = statementOf(code, inner);
    if (statement && mayAwait(code, inner)) return { statement, toBeAsync: undefined };
    const outer = functionAround(code, inner);
    const promise = code.parents.get(inner);
    if (outer && promise && isPromise(promise) && returnsPromises(code, outer, promise))
      return { statement: statement!, toBeAsync: outer };
    inner = outer;
  }
  return undefined;
}

function isPromise(node: Node): boolean {
  return node.type === 'NewExpression' && node.callee.type === 'Identifier' && node.callee.name === 'Promise';
}

/** Whether to make it async changes nothing for who calls it: it ends with `return new Promise(…)`, and never otherwise. */
function returnsPromises(code: Code, outer: Node, promise: Node): boolean {
  if (!('body' in outer) || !('generator' in outer) || outer.generator) return false;
  if ('kind' in outer && outer.kind !== 'method') return false;
  const { body } = outer;
  if (Array.isArray(body) || (body as Node).type !== 'BlockStatement') return false;
  const last = (body as Node & { body: Node[] }).body.at(-1);
  if (last?.type !== 'ReturnStatement' || last.argument !== promise) return false;
  let isSure = true;
  walk(body as Node, (node) => {
    if (node.type !== 'ReturnStatement' || functionAround(code, node) !== outer) return;
    if (!node.argument || !isPromise(node.argument)) isSure = false;
  });
  return isSure;
}

/** Before the name of a method, which may have `static` or `public` before it. */
function asyncAt(node: Node): number {
  return 'key' in node ? (node.key as Node).start! : node.start!;
}
