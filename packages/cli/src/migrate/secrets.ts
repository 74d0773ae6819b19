import type { Node } from '@babel/types';
import { type Code, initialOf, moduleNameOf } from './code.ts';
import { bare, keyOf, walk } from './syntax.ts';

/** What is printed of code, without the passphrases and keys that are written in it. */
export function masker(codes: readonly Code[]): (line: string) => string {
  const secrets = new Set<string>();
  for (const code of codes) {
    const seen = new Set<Node>();
    walk(code.program, (node) => {
      for (const value of confidential(code, node))
        for (const literal of literalsIn(code, value, seen)) take(code, literal);
      if (isPem(code, node)) take(code, node);
    });
  }
  function take(code: Code, node: Node): void {
    const raw = code.text.slice(node.start! + 1, node.end! - 1);
    const value = node.type === 'StringLiteral' ? node.value : raw;
    for (const line of [...raw.split(/\r?\n|\\n/), value]) if (line !== '') secrets.add(line);
  }
  const longestFirst = [...secrets].sort((one, other) => other.length - one.length);
  return (line) => longestFirst.reduce(conceal, line);
}

/** A short one would be found in other words as well: it goes where it stands in quotes. */
function conceal(line: string, secret: string): string {
  if (secret.length > 3) return line.replaceAll(secret, '…');
  return ["'", '"', '`'].reduce(
    (text, quote) => text.replaceAll(`${quote}${secret}${quote}`, `${quote}…${quote}`),
    line,
  );
}

const NAMES = /pass(phrase|word|wd)?$|secret|token|pwd|api_?key|credential/i;

function confidential(code: Code, node: Node): readonly Node[] {
  switch (node.type) {
    case 'ObjectProperty':
      return NAMES.test(keyOf(node) ?? '') ? [node.value] : [];
    case 'ClassProperty':
      return node.key.type === 'Identifier' && NAMES.test(node.key.name) && node.value ? [node.value] : [];
    case 'VariableDeclarator':
      return node.id.type === 'Identifier' && NAMES.test(node.id.name) && node.init ? [node.init] : [];
    case 'AssignmentExpression':
      return NAMES.test(node.left.type === 'Identifier' ? node.left.name : (keyOf(node.left) ?? ''))
        ? [node.right]
        : [];
    case 'NewExpression':
      return moduleNameOf(code, node.callee) === 'soap.ClientSSLSecurityPFX'
        ? node.arguments.slice(1, 2)
        : [];
    default:
      return [];
  }
}

/**
 * The texts that a value is made of; not the arguments of calls, such as the name of a file that is read.
 *
 * @param seen What has been looked at before, which is left out.
 */
function literalsIn(code: Code, given: Node, seen: Set<Node>): Node[] {
  const node = bare(given);
  if (seen.has(node)) return [];
  seen.add(node);
  const all = (nodes: readonly Node[]) => nodes.flatMap((each) => literalsIn(code, each, seen));
  switch (node.type) {
    case 'StringLiteral':
      return [node];
    case 'TemplateLiteral':
      return [node, ...all(node.expressions)];
    case 'LogicalExpression':
    case 'BinaryExpression':
      return all([node.left, node.right]);
    case 'ConditionalExpression':
      return all([node.consequent, node.alternate]);
    case 'Identifier': {
      const initial = initialOf(code, node);
      return initial ? all([initial]) : [];
    }
    default:
      return [];
  }
}

function isPem(code: Code, node: Node): boolean {
  if (node.type !== 'StringLiteral' && node.type !== 'TemplateLiteral') return false;
  return code.text.slice(node.start!, node.end!).includes('-----BEGIN');
}
