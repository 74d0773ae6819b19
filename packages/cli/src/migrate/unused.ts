import type { ImportDeclaration, Node } from '@babel/types';
import { type Code, declaredIn, isExported, moduleNameOf } from './code.ts';
import { type Edits, type Range, wordsIn } from './edits.ts';
import { elementRanges, linesOf, rangeOf, sourceOf, withBlankLine } from './layout.ts';
import type { Binding } from './scope.ts';
import { bare, keyOf } from './syntax.ts';

/**
 * Takes away what was there for what is gone: a file that was read, an import that nothing else needs.
 *
 * @param lines Further code that is added.
 */
export function removeUnused(code: Code, edits: Edits, lines: readonly string[]): void {
  const gone = new Set<Node>();
  const [words, isRemoved] = [edits.words(), edits.removal()];
  for (const word of lines.flatMap(wordsIn)) words.add(word);
  for (let before = -1; before < gone.size; ) {
    before = gone.size;
    for (const binding of code.bindings) {
      const { references } = binding;
      const element = elementOf(code, binding);
      if (!element || gone.has(element) || references.length === 0 || binding.isReassigned) continue;
      if (words.has(binding.name)) continue;
      if (!references.every((each) => isRemoved(rangeOf(each)) || isWithin(code, each, gone))) continue;
      if (isPureDeclaration(code, binding)) addGone(code, element, gone);
    }
  }
  for (const list of new Set([...gone].map((each) => code.parents.get(each)!))) {
    if (!isWithin(code, list, gone)) removeElements(code, edits, list, gone);
  }
}

/** What of a declaration declares one name: a specifier, a declarator, a property of a pattern. */
function elementOf(code: Code, { declaration, name }: Binding): Node | undefined {
  if (declaration.type !== 'VariableDeclarator') return declaration;
  if (declaration.id.type === 'Identifier') return declaration;
  if (
    declaration.id.type !== 'ObjectPattern' ||
    code.parents.get(declaration)?.type !== 'VariableDeclaration'
  )
    return;
  return declaredIn(declaration.id, name);
}

/** And what holds nothing else. */
function addGone(code: Code, element: Node, gone: Set<Node>): void {
  gone.add(element);
  const list = code.parents.get(element);
  if (list?.type === 'ObjectPattern' && list.properties.every((each) => gone.has(each)))
    addGone(code, code.parents.get(list)!, gone);
  if (list?.type === 'VariableDeclaration' && list.declarations.every((each) => gone.has(each)))
    gone.add(list);
  if (list?.type === 'ImportDeclaration' && list.specifiers.every((each) => gone.has(each))) gone.add(list);
}

function removeElements(code: Code, edits: Edits, list: Node, gone: ReadonlySet<Node>): void {
  const remove = (all: readonly Node[], { start, end }: Range) => {
    const removed = new Set(all.filter((each) => gone.has(each)));
    for (const range of elementRanges(code, all, removed, { start, end })) edits.replace(range, '');
  };
  switch (list.type) {
    case 'ImportDeclaration':
      rewriteImport(code, edits, list, gone);
      break;
    case 'VariableDeclaration':
      remove(list.declarations, { start: list.start! + list.kind.length, end: list.end! });
      break;
    case 'ObjectPattern':
      remove(list.properties, rangeOf(list));
      break;
    default: // a list of statements
      removeStatements(
        code,
        edits,
        [...gone].filter((each) => code.parents.get(each) === list),
      );
  }
}

/** Those that follow each other as one, so that the blank lines between them go as well. */
function removeStatements(code: Code, edits: Edits, statements: readonly Node[]): void {
  const ranges = statements.map((each) => linesOf(code, each)).sort((one, other) => one.start - other.start);
  const joined: Range[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    if (before && code.text.slice(before.end, range.start).trim() === '')
      joined.splice(-1, 1, { start: before.start, end: range.end });
    else joined.push(range);
  }
  for (const range of joined) edits.replace(withBlankLine(code, range), '');
}

function isWithin(code: Code, node: Node, gone: ReadonlySet<Node>): boolean {
  for (let at: Node | undefined = node; at; at = code.parents.get(at)) if (gone.has(at)) return true;
  return false;
}

function isPureDeclaration(code: Code, binding: Binding): boolean {
  const { declaration } = binding;
  switch (declaration.type) {
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
    case 'TSImportEqualsDeclaration':
      return true;
    case 'VariableDeclarator':
      return !isExported(code, binding) && !!declaration.init && isPure(code, declaration.init);
    default:
      return false;
  }
}

/** Whether it is seen from the code that an expression does nothing but yield a value. */
function isPure(code: Code, given: Node): boolean {
  const node = bare(given);
  const all = (nodes: readonly (Node | null)[]) => nodes.every((each) => each === null || isPure(code, each));
  switch (node.type) {
    case 'StringLiteral':
    case 'NumericLiteral':
    case 'BooleanLiteral':
    case 'NullLiteral':
    case 'RegExpLiteral':
    case 'Identifier':
    case 'MetaProperty':
      return true;
    case 'TemplateLiteral':
      return all(node.expressions);
    case 'AwaitExpression':
      return isPure(code, node.argument);
    case 'BinaryExpression':
    case 'LogicalExpression':
      return all([node.left, node.right]);
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return isPure(code, node.object) && (!node.computed || isPure(code, node.property));
    case 'ArrayExpression':
      return all(node.elements);
    case 'ObjectExpression':
      return node.properties.every((each) => each.type === 'ObjectProperty' && isPure(code, each.value));
    case 'NewExpression': {
      const name = moduleNameOf(code, node.callee);
      const isUrl = node.callee.type === 'Identifier' && node.callee.name === 'URL';
      return (isUrl || (name !== undefined && MADE.test(name))) && all(node.arguments);
    }
    case 'CallExpression': {
      const name = moduleNameOf(code, node.callee) ?? moduleNameOf(code, node);
      if (name !== undefined) return PURE.test(name) && all(node.arguments);
      const { callee } = node;
      if (callee.type !== 'MemberExpression') return false;
      const on = callee.object;
      if (on.type === 'Identifier' && (on.name === 'Buffer' || on.name === 'process'))
        return all(node.arguments);
      return /^(toString|trim|trimEnd)$/.test(keyOf(callee) ?? '') && isPure(code, on);
    }
    default:
      return false;
  }
}

const MADE = /^(https|undici)\.Agent$|^soap\.ClientSSLSecurity(PFX)?$/;
/** Reading a file, naming it, and the modules that these and the clients' classes come from. */
const PURE =
  /^(fs|fs\/promises|path|url|https|process)(\.|$)(?!write|unlink|rm|append)|^(undici|soap)(\.Agent|\.ClientSSL\w+)?$/;

/** A default and a list in braces: written anew, up to `from`. */
function rewriteImport(
  code: Code,
  edits: Edits,
  declaration: ImportDeclaration,
  gone: ReadonlySet<Node>,
): void {
  const left = declaration.specifiers.filter((each) => !gone.has(each));
  const plain = left.filter(({ type }) => type !== 'ImportSpecifier').map((each) => sourceOf(code, each));
  const named = left.filter(({ type }) => type === 'ImportSpecifier').map((each) => sourceOf(code, each));
  const list = [...plain, ...(named.length > 0 ? [`{ ${named.join(', ')} }`] : [])].join(', ');
  const kind = declaration.importKind === 'type' ? 'import type' : 'import';
  edits.replace({ start: declaration.start!, end: declaration.source.start! }, `${kind} ${list} from `);
}
