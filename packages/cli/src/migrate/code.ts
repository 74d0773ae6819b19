import { extname } from 'node:path';
import type { CallExpression, Expression, Node, ObjectExpression, ObjectProperty } from '@babel/types';
import { type Binding, readScopes, type Scopes } from './scope.ts';
import { bare, isFunction, keyOf, type Parser, parse, type Syntax } from './syntax.ts';

/** A file of the code base, and what its names mean. */
export interface Code extends Syntax, Scopes {
  /** Absolute. */
  readonly path: string;
  /** As it is shown: relative to where the command runs. */
  readonly shown: string;
  readonly text: string;
  /** Whether modules are imported; else they are required. */
  readonly imports: boolean;
  /** Whether `await` may stand outside of functions, for certain. */
  readonly awaitsOnTop: boolean;
}

/** @param isModule Whether package.json says that its files are ES modules. @throws Unparsable */
export function readCode(
  parser: Parser,
  file: Pick<Code, 'path' | 'shown' | 'text'>,
  isModule: boolean,
): Code {
  const syntax = parse(parser, file.path, file.text);
  const extension = extname(file.path);
  const imports =
    syntax.program.body.some(
      ({ type }) => /^(Import|Export)/.test(type) || type === 'TSImportEqualsDeclaration',
    ) || /^\.m/.test(extension);
  // What is compiled to CommonJS imports as well, and has no await there.
  const awaitsOnTop = imports && (/^\.m/.test(extension) || (isModule && !/^\.c/.test(extension)));
  return { ...file, ...syntax, ...readScopes(syntax), imports, awaitsOnTop };
}

/** What a name stands for that comes from a module: `https.Agent`, `axios.create`, `fs.promises.readFile`. */
export function moduleNameOf(code: Code, given: Node, followed = 0): string | undefined {
  const node = bare(given);
  if (node.type === 'Identifier') {
    const binding = code.bindingOf(node);
    return binding && !binding.isReassigned ? importedAs(code, binding, followed + 1) : undefined;
  }
  if (node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression') {
    const inner = moduleNameOf(code, node.object, followed);
    const key = keyOf(node);
    return inner === undefined || key === undefined ? undefined : member(inner, key);
  }
  return required(node);
}

function member(name: string, key: string): string {
  return key === 'default' ? name : `${name}.${key}`;
}

/** `require('x')` and `await import('x')`. */
function required(node: Node): string | undefined {
  const inner = node.type === 'AwaitExpression' ? bare(node.argument) : node;
  const source =
    inner.type === 'CallExpression' && inner.callee.type === 'Identifier' && inner.callee.name === 'require'
      ? inner.arguments[0]
      : inner.type === 'ImportExpression' && inner !== node
        ? inner.source
        : undefined;
  return source?.type === 'StringLiteral' ? moduleName(source.value) : undefined;
}

function moduleName(specifier: string): string {
  return specifier.replace(/^node:/, '');
}

/** The same of a declared name. */
export function importedAs(code: Code, { declaration, name }: Binding, followed = 0): string | undefined {
  // A name may be declared by itself, or by a thousand others.
  if (followed > 20) return undefined;
  switch (declaration.type) {
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
    case 'ImportSpecifier': {
      const parent = code.parents.get(declaration);
      if (parent?.type !== 'ImportDeclaration') return undefined;
      const from = moduleName(parent.source.value);
      if (declaration.type !== 'ImportSpecifier') return from;
      const { imported } = declaration;
      return member(from, imported.type === 'Identifier' ? imported.name : imported.value);
    }
    case 'TSImportEqualsDeclaration': {
      const { moduleReference: reference } = declaration;
      return reference.type === 'TSExternalModuleReference' && reference.expression.type === 'StringLiteral'
        ? moduleName(reference.expression.value)
        : undefined;
    }
    case 'VariableDeclarator': {
      const from = declaration.init ? moduleNameOf(code, declaration.init, followed) : undefined;
      if (from === undefined || declaration.id.type === 'Identifier') return from;
      const property = declaredIn(declaration.id, name);
      const key = property && keyOf(property);
      return key === undefined ? undefined : member(from, key);
    }
  }
  return undefined;
}

/** The property of a pattern that declares a name. */
export function declaredIn(pattern: Node, name: string): ObjectProperty | undefined {
  if (pattern.type !== 'ObjectPattern') return undefined;
  let known = patterns.get(pattern);
  if (!known) {
    known = new Map();
    for (const each of pattern.properties)
      if (each.type === 'ObjectProperty' && each.value.type === 'Identifier')
        known.set(each.value.name, each);
    patterns.set(pattern, known);
  }
  return known.get(name);
}

/** One pattern may declare very many. */
const patterns = new WeakMap<Node, Map<string, ObjectProperty>>();

/** The expression that a name was given once and for all. */
export function initialOf(code: Code, node: Node): Node | undefined {
  const binding = code.bindingOf(node);
  const { declaration } = binding ?? {};
  if (binding?.isReassigned || declaration?.type !== 'VariableDeclarator') return undefined;
  return declaration.id.type === 'Identifier' ? (declaration.init ?? undefined) : undefined;
}

/** The object that stands there, or that a name used nowhere else was given. */
export function objectAt(code: Code, given: Node | undefined): ObjectExpression | undefined {
  const node = given && bare(given);
  if (node?.type === 'ObjectExpression') return node;
  if (node?.type !== 'Identifier' || code.bindingOf(node)?.references.length !== 1) return undefined;
  const initial = initialOf(code, node);
  return initial && objectAt(code, initial);
}

/** The object that stands there, or that a name was given, wherever else that is used. */
export function resolvedObject(
  code: Code,
  given: Node | undefined,
  deep: number = 0,
): ObjectExpression | undefined {
  const node = given && bare(given);
  if (node?.type === 'ObjectExpression') return node;
  const initial = node && deep < 20 ? initialOf(code, node) : undefined;
  return initial && resolvedObject(code, initial, deep + 1);
}

/** Where an expression is used: itself, or each place of the name that it was given. */
export function usesOf(code: Code, expression: Node): { uses: readonly Node[]; binding?: Binding } {
  const parent = outerOf(code, expression);
  if (parent?.type !== 'VariableDeclarator' || parent.id.type !== 'Identifier') return { uses: [expression] };
  const [binding] = code.declaredBy(parent);
  return binding && !binding.isReassigned ? { uses: binding.references, binding } : { uses: [expression] };
}

/** The next node that is not only a type or a parenthesis around it. */
export function outerOf(code: Code, node: Node): Node | undefined {
  let outer = code.parents.get(node);
  while (outer && bare(outer) !== outer) outer = code.parents.get(outer);
  return outer;
}

/** The call that an object is an argument of, written there or under a name used nowhere else. */
export function callWith(
  code: Code,
  object: Node,
): { call: CallExpression; argument: Expression; index: number } | undefined {
  const { uses } = usesOf(code, object);
  if (uses.length !== 1) return undefined;
  const argument = uses[0]!;
  const call = outerOf(code, argument);
  if (call?.type !== 'CallExpression') return undefined;
  const index = call.arguments.findIndex((each) => bare(each) === bare(argument));
  return index < 0 ? undefined : { call, argument: call.arguments[index] as Expression, index };
}

/** The property of an object that has this name. */
export function propertyOf(object: ObjectExpression | undefined, name: string): ObjectProperty | undefined {
  return object?.properties.find(
    (each): each is ObjectProperty => each.type === 'ObjectProperty' && keyOf(each) === name,
  );
}

/** The function that a node stands in; `undefined` outside of all. */
export function functionAround(code: Code, node: Node): Node | undefined {
  let at = code.parents.get(node);
  while (at && !isFunction(at) && at.type !== 'ClassProperty' && at.type !== 'StaticBlock')
    at = code.parents.get(at);
  return at;
}

/** Whether `await` may stand in the place of a node. */
export function mayAwait(code: Code, node: Node): boolean {
  const around = functionAround(code, node);
  if (!around) return code.awaitsOnTop;
  if (!('async' in around) || !around.async || !('params' in around)) return false;
  return !(around.params as Node[]).some(({ start, end }) => start! <= node.start! && node.end! <= end!);
}

/** The statement of the program that a node is part of. */
export function topStatement(code: Code, node: Node): Node {
  let at = node;
  for (let outer = code.parents.get(at); outer && outer !== code.program; outer = code.parents.get(at))
    at = outer;
  return at;
}

/** The statement that a node is part of, in a list of statements. */
export function statementOf(code: Code, node: Node): Node | undefined {
  let at = node;
  for (let outer = code.parents.get(at); outer; outer = code.parents.get(at)) {
    if ((outer.type === 'Program' || outer.type === 'BlockStatement') && outer.body.includes(at as never))
      return at;
    at = outer;
  }
  return undefined;
}

export function isExported(code: Code, { declaration }: Binding): boolean {
  const around = code.parents.get(code.parents.get(declaration)!);
  return around?.type === 'ExportNamedDeclaration';
}

export function lineOf(node: Node): number {
  return node.loc?.start.line ?? 1;
}
