import { readFileSync } from 'node:fs';

const fixtures: URL = new URL('fixtures/', import.meta.url);

/** One row of the fixture manifest: a file, its passphrase, and what a correct reader finds. */
export interface Row {
  id: string;
  file: string;
  kind: 'pfx' | 'jks' | 'key' | 'cert' | 'combo' | 'p7';
  passphrase: string | undefined;
  keyPassphrase: string | undefined;
  serial: string;
  sha256: string;
  keyType: string;
  certificates: number;
  keys: number;
  expected: string;
}

export function fixture(name: string): string {
  return new URL(name, fixtures).pathname;
}

export function bytesOf(name: string): Buffer {
  return readFileSync(new URL(name, fixtures));
}

export const rows: Row[] = readFileSync(new URL('MANIFEST.tsv', fixtures), 'utf8')
  .split('\n')
  .slice(1)
  .filter((line) => line !== '')
  .map((line) => {
    const cells = line.split('\t');
    const [id, file, kind, password, , serial, sha256, keyType, certificates, keys, expected] = cells;
    const [passphrase, keyPassphrase] = password === '-' ? [] : password!.split('|');
    return {
      id: id!,
      file: file!,
      kind: kind as Row['kind'],
      passphrase,
      keyPassphrase,
      serial: serial!,
      sha256: sha256!,
      keyType: keyType!,
      certificates: Number(certificates),
      keys: Number(keys),
      expected: expected!,
    };
  });
