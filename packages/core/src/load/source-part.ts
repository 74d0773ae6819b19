import type { FileFormat, FileSource, Material } from '../types.ts';
import { toPath } from './file.ts';
import { createContents, type FileContents } from './file-contents.ts';
import { type MaterialOptions, readMaterial } from './material.ts';
import { type Keyring, resolvePassphrase, unsetPassphrase } from './passphrase.ts';
import { isPkcs11Uri } from './pkcs11-uri.ts';
import { Problem } from './problem.ts';
import { fetchMaterial, labelOf } from './source.ts';
import type { Surroundings } from './surroundings.ts';

/** One material, read. */
export interface Part {
  readonly label: string;
  readonly mode: number | undefined;
  readonly contents: FileContents;
}

/** Reads one material. With a role, as where there are several, failures say which one they are about. */
export async function readPart(
  material: Material,
  surroundings: Surroundings,
  options: MaterialOptions,
  role?: 'cert' | 'key' | undefined,
): Promise<Part> {
  const label = labelOf(material, surroundings.baseDirectory);
  try {
    if (role === 'key' && isPkcs11Uri(material))
      return await readTokenPart(material, label, surroundings, options);
    const { bytes, mode } = await fetchMaterial(material, surroundings);
    try {
      return {
        label,
        mode,
        contents: await readMaterial(bytes, { ...options, surroundings }, surroundings.signal),
      };
    } finally {
      bytes.fill(0);
    }
  } catch (error) {
    if (role !== undefined && error instanceof Problem) throw error.about(`${role} ${label}`);
    throw error;
  }
}

/** What a PKCS#11 URI names: a key alone. */
async function readTokenPart(
  uri: string,
  label: string,
  surroundings: Surroundings,
  { keyring }: MaterialOptions,
): Promise<Part> {
  const { addTokenKey } = await import('./token.ts');
  const contents = createContents();
  contents.container = 'PKCS#11';
  contents.ordered = true;
  await addTokenKey(uri, { contents, keyring, surroundings }, 'config');
  return { label, mode: undefined, contents };
}

export async function resolveKeyring(
  source: Pick<FileSource, 'passphrase' | 'keyPassphrase' | 'pin' | 'engine'>,
  surroundings: Surroundings,
): Promise<Keyring> {
  const ask = async (role: 'passphrase' | 'keyPassphrase' | 'pin') => {
    if (source[role] === undefined && Object.hasOwn(source, role)) return unsetPassphrase(role);
    const given = await resolvePassphrase(source[role], surroundings, role);
    if ((given.text?.length ?? 0) <= longestPassphrase) return given;
    throw new Problem(
      'CONFIG_INVALID',
      `the ${role} is longer than any`,
      'A passphrase is one line. Name the file that holds it, and nothing else.',
    );
  };
  const pin = Object.hasOwn(source, 'pin') ? await ask('pin') : undefined;
  const [passphrase, keyPassphrase] = [await ask('passphrase'), await ask('keyPassphrase')];
  const engine = source.engine === undefined ? undefined : toPath(source.engine, surroundings.baseDirectory);
  return { passphrase, keyPassphrase, pin, engine, used: false };
}

/** Characters. Some keys are derived from as many copies of it as they have bytes, or rounds. */
const longestPassphrase = 4096;

export function formatOf(contents: readonly FileContents[]): FileFormat {
  return {
    container: [...new Set(contents.map(({ container }) => container))].join(' and '),
    algorithms: [...new Set(contents.flatMap(({ algorithms }) => [...algorithms]))],
  };
}

export function asArray<Value>(value: Value | readonly Value[] | undefined): readonly Value[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as Value];
}
