import type { Node } from '@babel/types';
import { type Code, initialOf, moduleNameOf } from './code.ts';
import { Refused } from './refused.ts';
import { bare, keyOf } from './syntax.ts';
import { DEEPEST, type FoundFile, pathOf, textOf, variableIn } from './value.ts';

/** What a certificate, key or root is read from: a file, or a variable that holds it. */
export type Material = FoundFile | { readonly env: string };

/**
 * @param what How it is called, in a reason.
 * @param byPath Whether a text is a path, as in node-soap; else it would be the PEM itself.
 * @throws Refused where the code does not say where it comes from
 */
export function materialOf(
  code: Code,
  given: Node,
  what: string,
  byPath: boolean = false,
  deep: number = 0,
): Material {
  const node = bare(given);
  const again = (inner: Node) => materialOf(code, inner, what, byPath, deep + 1);
  const variable = variableIn(code, node);
  if (variable !== undefined && !byPath) return { env: variable };
  const text = textOf(code, node);
  if (text?.text.includes('-----BEGIN'))
    throw new Refused(
      `${what} is written in the code itself`,
      'Move it to a file, or to a variable of the environment, and have it replaced: it is in the history too.',
    );
  if (deep > DEEPEST) throw new Refused(`${what} is computed`);
  switch (node.type) {
    case 'AwaitExpression':
      return again(node.argument);
    case 'Identifier': {
      const initial = initialOf(code, node);
      if (initial && !(byPath && text)) return again(initial);
      break;
    }
    case 'CallExpression': {
      const name = moduleNameOf(code, node.callee);
      const [first] = node.arguments;
      if (name !== undefined && READS.test(name)) return fileOf(code, first, what);
      const { callee } = node;
      if (callee.type === 'MemberExpression') {
        if (keyOf(callee) === 'toString') return again(callee.object); // a Buffer's
        const isBuffer = callee.object.type === 'Identifier' && callee.object.name === 'Buffer';
        const encoded = isBuffer && keyOf(callee) === 'from' ? variableIn(code, first) : undefined;
        if (encoded !== undefined) return { env: encoded };
      }
    }
  }
  if (byPath) return fileOf(code, node, what);
  throw new Refused(
    `${what} is computed: the code does not say which file it is read from`,
    'Write loadCredentials with a source function there, or name the file.',
  );
}

const READS = /^fs\.(readFileSync|promises\.readFile)$|^fs\/promises\.readFile$/;

function fileOf(code: Code, node: Node | undefined, what: string): FoundFile {
  const found = pathOf(code, node);
  if (found && found.file !== '') return found;
  const variable = variableIn(code, node);
  throw new Refused(
    `the path of ${what} is computed${variable === undefined ? '' : `, from the environment variable ${variable}`}`,
    'A config names its files; loadCredentials takes an object as well, in which a path may be computed.',
  );
}

/** How a passphrase is come by; which it is, is not repeated. */
export type FoundPassphrase = Material | 'written in the code' | undefined;

/** @throws Refused */
export function passphraseOf(code: Code, given: Node | undefined): FoundPassphrase {
  const node = given && bare(given);
  if (!node || (node.type === 'Identifier' && node.name === 'undefined') || node.type === 'NullLiteral')
    return undefined;
  const text = textOf(code, node);
  if (text?.complete) return text.text === '' ? undefined : 'written in the code';
  const read = trimmed(code, node);
  const variable = variableIn(code, read);
  if (variable !== undefined) return { env: variable };
  const isRead = read.type === 'CallExpression' && READS.test(moduleNameOf(code, read.callee) ?? '');
  const file = isRead ? pathOf(code, read.arguments[0]) : undefined;
  if (file) return file;
  throw new Refused(
    'its passphrase is computed',
    'loadCredentials takes a function as passphrase, where its config is an object.',
  );
}

/** Without the calls that make one line of what a file holds. */
function trimmed(code: Code, given: Node): Node {
  const node = bare(given);
  if (node.type === 'AwaitExpression') return trimmed(code, node.argument);
  if (node.type === 'Identifier') {
    const initial = initialOf(code, node);
    return initial ? trimmed(code, initial) : node;
  }
  const isTrim =
    node.type === 'CallExpression' &&
    node.callee.type === 'MemberExpression' &&
    /^(trim|trimEnd|toString)$/.test(keyOf(node.callee) ?? '');
  return isTrim ? trimmed(code, (node.callee as { object: Node }).object) : node;
}
