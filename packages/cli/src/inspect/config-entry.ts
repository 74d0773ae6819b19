import { basename } from 'node:path';
import { variableOf } from '../other/entry.ts';
import type { Passphrases } from '../passphrase.ts';
import type { openingOf } from '../tokens/inspect-token.ts';

/** What opens a file, or a token. */
export type Opening = Passphrases & ReturnType<typeof openingOf>;

/** As one writes it in JavaScript. */
function literal(path: string | readonly string[]): string {
  if (typeof path !== 'string') return `[${path.map(literal).join(', ')}]`;
  const text = JSON.stringify(path);
  return /['\\]/.test(text) ? text : `'${text.slice(1, -1)}'`;
}

/**
 * What a config says of an identity, and what it would be called.
 *
 * @param secrets Which passphrases it needs; they themselves are of no interest.
 * @param before How many identities of the file have an entry already.
 */
export function entryOf(
  file: string,
  paths: Readonly<Record<string, string | readonly string[]>>,
  secrets: { readonly [Each in keyof Opening]?: unknown },
  alias: string | undefined,
  before = 0,
): { name: string; source: Readonly<Record<string, unknown>> } {
  const base = nameIn(file);
  return {
    name: before === 0 ? base : `${base}-${before + 1}`,
    source: {
      ...paths,
      ...(secrets.passphrase ? { passphrase: { env: variableOf(base) } } : {}),
      ...(secrets.keyPassphrase ? { keyPassphrase: { env: variableOf(base, 'KEY_PASSPHRASE') } } : {}),
      ...(secrets.pin ? { pin: { env: variableOf(base, 'PIN') } } : {}),
      ...(alias && { alias: alias.replaceAll(':', '') }),
    },
  };
}

/** A certificate's name in a config, made of a file's or an object's. */
export function nameIn(file: string): string {
  return (
    basename(file)
      .replace(/\.[^.]*$/, '')
      .replace(/[^A-Za-z0-9]+/g, '-') || 'client'
  );
}

/** The same as lines of JavaScript. */
export function configLines(...entry: Parameters<typeof entryOf>): string[] {
  const { name, source } = entryOf(...entry);
  const lines = Object.entries(source).map(([option, value]) =>
    typeof value === 'object' && value !== null && 'env' in value
      ? `  ${option}: { env: '${value.env}' },`
      : `  ${option}: ${literal(value as string | readonly string[])},`,
  );
  return [`${/^[A-Za-z]\w*$/.test(name) ? name : `'${name}'`}: {`, ...lines, '},'];
}
