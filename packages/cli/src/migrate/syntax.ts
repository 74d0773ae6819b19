import { extname } from 'node:path';
import type * as Babel from '@babel/parser';
import type { Comment, Node, Program } from '@babel/types';
import { UsageError } from '../command.ts';

/** What code is parsed with. Who installs the command does not get it: who never migrates needs none. */
export type Parser = Pick<typeof Babel, 'parse'>;

export async function loadParser(): Promise<Parser> {
  try {
    return await import('@babel/parser');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UsageError(
      'code is read with @babel/parser, which is not installed here',
      'npm install --save-dev @babel/parser, or: npx -p clientcert -p @babel/parser clientcert migrate',
    );
  }
}

/** A file's code as a tree. */
export interface Syntax {
  readonly program: Program;
  readonly parents: ReadonlyMap<Node, Node>;
  readonly comments: readonly Comment[];
}

/** Where and why a text cannot be parsed. What the parser says of it quotes the text, which may hold a passphrase. */
export class Unparsable extends Error {
  readonly line: number;

  constructor(line: number) {
    super('it could not be parsed');
    this.line = line;
  }
}

/** @throws Unparsable */
export function parse(parser: Parser, path: string, text: string): Syntax {
  const { program, comments } = attempt(parser, text, dialectsOf(path));
  const parents = new Map<Node, Node>();
  walk(program, (node, parent) => {
    if (parent) parents.set(node, parent);
  });
  return { program, parents, comments: comments ?? [] };
}

type Plugins = NonNullable<Babel.ParserOptions['plugins']>;

/** What a file's name leaves open is tried. */
function dialectsOf(path: string): Plugins[] {
  const extension = extname(path);
  if (/^\.[cm]?ts$/.test(extension)) return [['typescript', 'decorators-legacy']];
  if (extension === '.tsx') return [['typescript', 'jsx', 'decorators-legacy']];
  return [
    ['jsx', 'decorators-legacy'],
    ['flow', 'jsx', 'decorators-legacy'],
  ];
}

function attempt(parser: Parser, text: string, [plugins, ...others]: Plugins[]): Babel.ParseResult {
  try {
    return parser.parse(text, {
      sourceType: 'unambiguous',
      allowReturnOutsideFunction: true,
      createImportExpressions: true,
      plugins: plugins!,
    });
  } catch (error) {
    if (others.length > 0) return attempt(parser, text, others);
    throw new Unparsable((error as { loc?: { line: number } }).loc?.line ?? 1);
  }
}

const NOT_CHILDREN = new Set([
  'loc',
  'extra',
  'errors',
  'leadingComments',
  'trailingComments',
  'innerComments',
  'tokens',
]);

/** Every node below another, parents first. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent);
  for (const [name, value] of Object.entries(node)) {
    if (NOT_CHILDREN.has(name) || typeof value !== 'object') continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, node);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

/** Without what stands around an expression and changes no value: types, `!`, parentheses. */
export function bare(node: Node): Node {
  switch (node.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'TypeCastExpression':
    case 'ParenthesizedExpression':
      return bare(node.expression);
    default:
      return node;
  }
}

/** The name of a property, or of a member, that is written down. */
export function keyOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ObjectProperty':
    case 'ObjectMethod':
      if (node.computed) return undefined;
      return node.key.type === 'Identifier' ? node.key.name : literal(node.key);
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      if (node.computed) return literal(node.property);
      return node.property.type === 'Identifier' ? node.property.name : undefined;
    default:
      return undefined;
  }
}

function literal(node: Node): string | undefined {
  return node.type === 'StringLiteral' ? node.value : undefined;
}

export function isFunction(node: Node): boolean {
  return /Function|^(Object|Class|ClassPrivate)Method$/.test(node.type) && !node.type.startsWith('TS');
}
