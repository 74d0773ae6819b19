import { isAbsolute, resolve } from 'node:path';
import { show } from '@clientcert/core/adapter';
import { isRecord } from './input.ts';

/** A config with its paths absolute, as it means them where its file is: as an object it has no place of its own. */
export function atPlace(
  config: Readonly<Record<string, unknown>>,
  directory: string,
): Record<string, unknown> {
  const path = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(path);
    if (isRecord(value)) return within(value);
    if (typeof value !== 'string' || isAbsolute(value) || /^(?:pkcs11|file):/i.test(value)) return value;
    // A certificate itself, or what is no path and is going to be told of.
    return show(value, 'path', directory) === value ? resolve(directory, value) : value;
  };
  const within = (held: Readonly<Record<string, unknown>>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(held).map(([key, value]) => [
        key,
        PATHS.has(key)
          ? path(value)
          : key === 'bundles' && isRecord(value)
            ? Object.fromEntries(Object.entries(value).map(([name, roots]) => [name, path(roots)]))
            : SECRETS.has(key) && isRecord(value)
              ? within(value)
              : value,
      ]),
    );
  const each = (value: unknown) =>
    isRecord(value)
      ? Object.fromEntries(
          Object.entries(value).map(([key, held]) => [key, isRecord(held) ? within(held) : held]),
        )
      : value;
  const one = (value: unknown) => (isRecord(value) ? within(value) : value);
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      SECTIONS.has(key) ? each(value) : key === 'default' || key === 'proxy' ? one(value) : value,
    ]),
  );
}

const PATHS = new Set(['pfx', 'cert', 'key', 'ca', 'dir', 'file', 'engine']);
const SECRETS = new Set(['passphrase', 'keyPassphrase', 'pin', 'authorization']);
const SECTIONS = new Set(['certificates', 'hosts', 'services']);
