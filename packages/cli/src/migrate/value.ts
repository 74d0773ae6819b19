import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Node } from '@babel/types';
import { type Code, declaredIn, initialOf, moduleNameOf } from './code.ts';
import { bare, keyOf } from './syntax.ts';

// What an expression stands for, as far as the code itself says it. Nothing of the code is run.

/** A text, or how it begins. */
interface Text {
  readonly text: string;
  readonly complete: boolean;
}

/** @param deep How many names it was reached through. */
export function textOf(code: Code, given: Node | undefined, deep: number = 0): Text | undefined {
  const node = given && bare(given);
  if (!node) return undefined;
  if (!texts.has(node)) {
    texts.set(node, undefined); // of what is made of itself
    texts.set(node, limited(readText(code, node, deep)));
  }
  return texts.get(node);
}

/** A few names, each put together from the one before several times over, would be a text without end. */
const texts = new WeakMap<Node, Text | undefined>();

function limited(found: Text | undefined): Text | undefined {
  if (!found || found.text.length <= LONGEST) return found;
  return { text: found.text.slice(0, LONGEST), complete: false };
}

/** Longer is no path, host, or option. */
const LONGEST = 10_000;

function readText(code: Code, node: Node, deep: number): Text | undefined {
  switch (node.type) {
    case 'StringLiteral':
      return { text: node.value, complete: true };
    case 'NumericLiteral':
      return { text: String(node.value), complete: true };
    case 'TemplateLiteral': {
      let text = '';
      for (const [index, quasi] of node.quasis.entries()) {
        text += quasi.value.cooked ?? '';
        const inner = node.expressions[index];
        if (!inner) continue;
        const value = textOf(code, inner, deep + 1);
        if (!value) return { text, complete: false };
        text += value.text;
        if (!value.complete || text.length > LONGEST) return { text, complete: false };
      }
      return { text, complete: true };
    }
    case 'BinaryExpression': {
      const left = node.operator === '+' ? textOf(code, node.left, deep + 1) : undefined;
      if (!left?.complete) return left;
      const right = textOf(code, node.right, deep + 1);
      return right
        ? { text: left.text + right.text, complete: right.complete }
        : { ...left, complete: false };
    }
    case 'NewExpression': {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'URL') return undefined;
      const [path, base] = node.arguments;
      if (!base) return textOf(code, path, deep + 1);
      const origin = textOf(code, base, deep + 1);
      return origin && { text: origin.text, complete: false };
    }
    case 'MemberExpression': // of a URL
      return /^(href|origin)$/.test(keyOf(node) ?? '') ? textOf(code, node.object, deep + 1) : undefined;
    case 'Identifier': {
      const initial = deep < DEEPEST ? initialOf(code, node) : undefined;
      return initial && textOf(code, initial, deep + 1);
    }
    default:
      return undefined;
  }
}

export const DEEPEST = 20;

/** The name of the environment variable that is read. */
export function variableIn(code: Code, given: Node | undefined, deep: number = 0): string | undefined {
  const node = given && bare(given);
  switch (node?.type) {
    case 'MemberExpression':
    case 'OptionalMemberExpression': {
      const inner = bare(node.object);
      const isEnvironment =
        (inner.type === 'MemberExpression' || inner.type === 'OptionalMemberExpression') &&
        keyOf(inner) === 'env' &&
        ((inner.object.type === 'Identifier' && inner.object.name === 'process') ||
          moduleNameOf(code, inner.object) === 'process');
      return isEnvironment || moduleNameOf(code, inner) === 'process.env' ? keyOf(node) : undefined;
    }
    case 'LogicalExpression': // `?? ''`
      return textOf(code, node.right)?.text === '' ? variableIn(code, node.left, deep + 1) : undefined;
    case 'CallExpression': // String(…)
      return node.callee.type === 'Identifier' && node.callee.name === 'String'
        ? variableIn(code, node.arguments[0], deep + 1)
        : undefined;
    case 'Identifier': {
      const binding = code.bindingOf(node);
      if (!binding || binding.isReassigned || binding.declaration.type !== 'VariableDeclarator')
        return undefined;
      const { id, init } = binding.declaration;
      if (deep > DEEPEST || !init) return undefined;
      if (id.type === 'Identifier') return variableIn(code, init, deep + 1);
      const property = isProcessEnv(init) ? declaredIn(id, node.name) : undefined; // const { X } = process.env
      return property && keyOf(property);
    }
  }
  return undefined;
}

function isProcessEnv(node: Node): boolean {
  return (
    node.type === 'MemberExpression' &&
    node.object.type === 'Identifier' &&
    node.object.name === 'process' &&
    keyOf(node) === 'env'
  );
}

/** A file, as the config may name it, and what its path starts from. */
export interface FoundFile {
  readonly file: string;
  /** Whether it lies relative to the code; else to where the program is started. */
  readonly besideCode: boolean;
}

/** A path that the code spells out. */
export function pathOf(code: Code, given: Node | undefined, deep: number = 0): FoundFile | undefined {
  const node = given && bare(given);
  if (!node || deep > DEEPEST) return undefined;
  if (!paths.has(node)) {
    paths.set(node, undefined);
    const found = readPath(code, node, deep);
    paths.set(node, found && found.file.length <= LONGEST ? found : undefined);
  }
  return paths.get(node);
}

/** For the same reason as {@link texts}. */
const paths = new WeakMap<Node, FoundFile | undefined>();

function readPath(code: Code, node: Node, deep: number): FoundFile | undefined {
  const folder = dirname(code.path);
  const at = (file: string, besideCode: boolean): FoundFile => ({ file, besideCode });
  switch (node.type) {
    case 'Identifier': {
      if (node.name === '__dirname' && !code.bindingOf(node)) return at(folder, true);
      const initial = initialOf(code, node);
      return initial && pathOf(code, initial, deep + 1);
    }
    case 'MemberExpression': {
      if (node.object.type === 'MetaProperty') {
        if (keyOf(node) === 'dirname') return at(folder, true);
        if (keyOf(node) === 'url' || keyOf(node) === 'filename') return at(code.path, true);
      }
      return keyOf(node) === 'pathname' || keyOf(node) === 'href'
        ? pathOf(code, node.object, deep + 1)
        : undefined;
    }
    case 'NewExpression': {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'URL') return undefined;
      const base = pathOf(code, node.arguments[1], deep + 1);
      const path = textOf(code, node.arguments[0]);
      if (!base || !path?.complete) return undefined;
      return at(fileURLToPath(new URL(path.text, pathToFileURL(base.file))), true);
    }
    case 'BinaryExpression':
    case 'TemplateLiteral': {
      const parts =
        node.type === 'BinaryExpression'
          ? [node.left, node.right]
          : node.quasis.flatMap((quasi, index) => [quasi.value.cooked ?? '', node.expressions[index] ?? '']);
      if (node.type === 'BinaryExpression' && node.operator !== '+') return undefined;
      const found = parts.map((part) =>
        typeof part === 'string' ? at(part, false) : pathOf(code, part, deep + 1),
      );
      return joined(found, (files) => files.join(''));
    }
    case 'CallExpression': {
      const name = moduleNameOf(code, node.callee);
      const inner = () => node.arguments.map((argument) => pathOf(code, argument, deep + 1));
      if (name === 'url.fileURLToPath') return inner()[0];
      if (name === 'path.dirname') {
        const [found] = inner();
        return found && at(dirname(found.file), found.besideCode);
      }
      if (name === 'path.join') return joined(inner(), (files) => join(...files));
      if (name === 'path.resolve') {
        // From the last absolute path on; without one, from where the program is started.
        return joined(inner(), (files) => join(...files.slice(Math.max(0, files.findLastIndex(isAbsolute)))));
      }
      const isCwd = node.callee.type === 'MemberExpression' && keyOf(node.callee) === 'cwd';
      return isCwd && node.arguments.length === 0 ? at('', false) : undefined;
    }
    default: {
      const found = textOf(code, node);
      return found?.complete ? at(found.text, false) : undefined;
    }
  }
}

function joined(
  found: readonly (FoundFile | undefined)[],
  join: (files: string[]) => string,
): FoundFile | undefined {
  if (found.some((each) => each === undefined)) return undefined;
  const parts = found as FoundFile[];
  const file = join(parts.map((part) => part.file));
  // An absolute path is the same wherever it is said.
  return { file, besideCode: parts.some(({ besideCode }) => besideCode) && isAbsolute(file) };
}
