import type { Identifier, Node } from '@babel/types';
import { isFunction, type Syntax, walk } from './syntax.ts';

/** One name of a file, where it is declared and wherever it is meant. */
export interface Binding {
  readonly name: string;
  /** The import's specifier, the declarator, the function, the class, … that declares it. */
  readonly declaration: Node;
  /** The program, function or block in which it holds. */
  readonly scope: Node;
  readonly references: Identifier[];
  isReassigned: boolean;
}

export interface Scopes {
  /** What a reference means; `undefined` for what no declaration of the file is about. */
  bindingOf(reference: Node): Binding | undefined;
  /** The bindings that a declarator or an import's specifier makes. */
  declaredBy(declaration: Node): readonly Binding[];
  readonly bindings: readonly Binding[];
  /** Every name that is written anywhere. */
  readonly names: ReadonlySet<string>;
}

export function readScopes({ program, parents }: Syntax): Scopes {
  const scopes = new Map<Node, Map<string, Binding>>();
  const declared = new Set<Node>();
  const byDeclaration = new Map<Node, Binding[]>();
  const names = new Set<string>();

  const scopeOf = (node: Node, isScope: (node: Node) => boolean): Node => {
    let at: Node | undefined = node;
    while (at && at !== program && !isScope(at)) at = parents.get(at);
    return at ?? program;
  };
  const declare = (id: Node, declaration: Node, scope: Node): void => {
    for (const name of namesIn(id)) {
      const known = scopes.get(scope) ?? new Map<string, Binding>();
      scopes.set(scope, known);
      declared.add(name);
      const before = known.get(name.name);
      if (before)
        before.isReassigned = true; // a second var, or a function over another
      else {
        const binding = { name: name.name, declaration, scope, references: [], isReassigned: false };
        known.set(name.name, binding);
        const others = byDeclaration.get(declaration);
        if (others) others.push(binding);
        else byDeclaration.set(declaration, [binding]);
      }
    }
  };

  walk(program, (node, parent) => {
    if (node.type === 'Identifier') names.add(node.name);
    if (isFunction(node) && 'params' in node) {
      for (const param of node.params as Node[]) declare(param, node, node);
      if ('id' in node && node.id)
        declare(node.id as Node, node, node.type === 'FunctionExpression' ? node : blockAround(node));
      return;
    }
    switch (node.type) {
      case 'VariableDeclarator': {
        const isVar = parent?.type === 'VariableDeclaration' && parent.kind === 'var';
        declare(node.id, node, isVar ? scopeOf(node, isFunction) : blockAround(parent!));
        break;
      }
      case 'ImportSpecifier':
      case 'ImportDefaultSpecifier':
      case 'ImportNamespaceSpecifier':
        declare(node.local, node, program);
        break;
      case 'TSImportEqualsDeclaration':
      case 'ClassDeclaration':
      case 'TSEnumDeclaration':
        if (node.id) declare(node.id, node, blockAround(node));
        break;
      case 'CatchClause':
        if (node.param) declare(node.param, node, node);
    }
  });

  function blockAround(node: Node): Node {
    return scopeOf(parents.get(node) ?? program, (each) => isFunction(each) || BLOCKS.has(each.type));
  }

  const meant = new Map<Node, Binding>();
  /** The next scope in which anything is declared, of each node that is one or stands in one. */
  const nearest = new Map<Node, Scope | undefined>();
  walk(program, (node, parent) => {
    const around = parent && nearest.get(parent);
    const names = scopes.get(node);
    nearest.set(node, names ? { names, around, found: new Map() } : around);
    if (node.type !== 'Identifier' || declared.has(node) || !parent || !isReference(node, parent)) return;
    const binding = around && find(node.name, around);
    if (!binding) return;
    meant.set(node, binding);
    binding.references.push(node);
    if (isAssigned(node, parents)) binding.isReassigned = true;
  });

  return {
    bindingOf: (reference) => meant.get(reference),
    declaredBy: (declaration) => byDeclaration.get(declaration) ?? [],
    bindings: [...byDeclaration.values()].flat(),
    names,
  };
}

/** What is declared in a place, and around it. */
interface Scope {
  readonly names: ReadonlyMap<string, Binding>;
  readonly around: Scope | undefined;
  /** What was looked for from here, found or not. */
  readonly found: Map<string, Binding | undefined>;
}

function find(name: string, scope: Scope): Binding | undefined {
  if (scope.found.has(name)) return scope.found.get(name);
  let binding: Binding | undefined;
  for (let at: Scope | undefined = scope; at && !binding; at = at.around) binding = at.names.get(name);
  scope.found.set(name, binding);
  return binding;
}

const BLOCKS = new Set([
  'BlockStatement',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'SwitchStatement',
  'StaticBlock',
  'CatchClause',
  'TSModuleBlock',
]);

/** The names that a pattern declares. */
function namesIn(pattern: Node | null): Identifier[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern];
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) =>
        namesIn(each.type === 'RestElement' ? each.argument : each.value),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((each) => namesIn(each));
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'RestElement':
      return namesIn(pattern.argument);
    case 'TSParameterProperty':
      return namesIn(pattern.parameter);
    default:
      return [];
  }
}

function isReference(node: Identifier, parent: Node): boolean {
  switch (parent.type) {
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return parent.object === node || parent.computed;
    case 'ObjectProperty':
    case 'ClassProperty':
      return parent.value === node || parent.computed;
    case 'ObjectMethod':
    case 'ClassMethod':
      return parent.key !== node || parent.computed;
    case 'ExportSpecifier':
      return parent.local === node;
    case 'TSQualifiedName':
      return parent.left === node;
    case 'ImportSpecifier':
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
    case 'TSPropertySignature':
    case 'TSMethodSignature':
    case 'TSEnumMember':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return false;
    default:
      return true;
  }
}

function isAssigned(node: Node, parents: ReadonlyMap<Node, Node>): boolean {
  let child = node;
  for (let at = parents.get(node); at; child = at, at = parents.get(at)) {
    switch (at.type) {
      case 'AssignmentExpression':
      case 'ForInStatement':
      case 'ForOfStatement':
        return at.left === child;
      case 'UpdateExpression':
        return true;
      case 'ObjectPattern':
      case 'ArrayPattern':
      case 'RestElement':
        continue;
      case 'ObjectProperty':
      case 'AssignmentPattern':
        if (parents.get(at)?.type.endsWith('Pattern')) continue;
        return false;
      default:
        return false;
    }
  }
  return false;
}
