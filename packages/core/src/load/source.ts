import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { variable } from '../own.ts';
import { isPlausible, show, variableWith } from '../quote.ts';
import type { Material } from '../types.ts';
import { isUrl } from '../url.ts';
import { type LoadedMaterial, limited, readFileBytes, toPath } from './file.ts';
import { isPkcs11Uri, labelOfPkcs11Uri } from './pkcs11-uri.ts';
import { Problem } from './problem.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * What messages call a material. Nothing of what may be a secret that was given as a path by mistake.
 *
 * @param directory What relative paths start at; the working directory unless given.
 */
export function labelOf(material: Material, directory?: string): string {
  if (isPkcs11Uri(material)) return labelOfPkcs11Uri(material);
  if (typeof material === 'string')
    return isInline(material) ? 'the text given' : show(material, 'path', directory);
  if (types.isUint8Array(material)) return 'the bytes given';
  if (isUrl(material)) return labelOfUrl(material);
  if (typeof material === 'object' && material !== null && typeof material.env === 'string')
    return `environment variable ${show(material.env, 'variable')}`;
  return 'the source';
}

/** The bytes of a material, from wherever they are. */
export async function fetchMaterial(material: Material, surroundings: Surroundings): Promise<LoadedMaterial> {
  const label = labelOf(material, surroundings.baseDirectory);
  if (isPkcs11Uri(material))
    throw new Problem(
      'FORMAT_UNSUPPORTED',
      'is a PKCS#11 URI, and Node reads no certificate from a token',
      'Write it as `key`, and save the certificate once as a file to name as `cert`: pkcs11-tool --module MODULE --read-object --type cert --label LABEL --output-file client.cer.',
    );
  if (typeof material === 'string') {
    const inline = isInline(material);
    if (inline) return { bytes: limited(Buffer.from(material, inline)), label };
    return readFileBytes(material, surroundings);
  }
  if (types.isUint8Array(material)) return { bytes: Buffer.from(limited(material)), label };
  if (isUrl(material)) return readFileBytes(material, surroundings);
  if (typeof material === 'object' && material !== null && typeof material.env === 'string') {
    const text = variable(material.env, surroundings.env);
    if (text === undefined) throw unset(material.env, 'the PEM text, or the base64 of the file');
    return { bytes: limited(Buffer.from(text)), label };
  }
  throw new Problem(
    'CONFIG_INVALID',
    'is neither a path, a file: URL, { env }, bytes nor PEM text',
    "Write a path, a file: URL, { env: 'NAME' }, a Buffer or the PEM text itself.",
  );
}

/** What messages say of a variable that is not there. */
export function describeUnset(name: string): string {
  return `the environment variable ${show(name, 'variable')} is not set`;
}

function unset(name: string, value: string): Problem {
  return new Problem('FILE_NOT_FOUND', describeUnset(name), adviseUnset(name, value));
}

/** What to do about it; where its value was written in place of its name, that. */
export function adviseUnset(name: string, value: string): string {
  const meant = variableWith(name);
  if (meant !== undefined) return `Write { env: '${meant}' }: the name of the variable, not its value.`;
  return isPlausible(name, 'variable')
    ? `Set ${name} to ${value}.`
    : `Write { env: 'NAME' } with the name of a variable that holds ${value}, not the value itself.`;
}

function labelOfUrl(url: URL): string {
  try {
    return show(fileURLToPath(url), 'path');
  } catch {
    return 'a URL'; // none of a file here; the reason repeats it
  }
}

/** The encoding of a string that is itself the material; undefined for one that is a path. */
function isInline(text: string): 'utf8' | 'latin1' | undefined {
  if (
    /^0[\x80-\x84]/.test(text) ||
    text.startsWith('\xfe\xed\xfe\xed') ||
    text.startsWith('\xce\xce\xce\xce')
  )
    return /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1';
  if (text.length > 20 && /[\n\r\ufffd<]|---- ?BEGIN |PuTTY-User-Key-File/.test(text)) return 'utf8';
  // In a path of Windows it is the beginning of a folder.
  if (text.length > longestPath && text.includes('\\n')) return 'utf8';
  return text.length > 80 && (looksLikeBase64(text) || isBase64OfPem(text)) ? 'utf8' : undefined;
}

/** Characters, on Windows; elsewhere paths are shorter. */
const longestPath = 32_767;

/** Base64 of a text that leads up to its first block: bag attributes, a comment. */
function isBase64OfPem(text: string): boolean {
  const lines = text.replace(/\\[nrt]/g, '\n');
  if (!/^[A-Za-z0-9+/_=\s-]*$/.test(lines)) return false;
  const bytes = Buffer.from(lines, 'base64');
  const found = bytes.includes('-----BEGIN ');
  bytes.fill(0);
  return found;
}

/**
 * Base64 of DER, PEM, JKS, JCEKS or of base64 again, a data: URL, or hexadecimal DER: no path begins like that
 * and goes on for so long without a dot.
 */
function looksLikeBase64(text: string): boolean {
  return (
    /^\s*["']?(?:M[A-P]|LS0t|TU[k-l]|TFMw|\/u3\+7Q|zs7Ozg)[A-Za-z0-9+/_\s-]{36}/.test(text) ||
    /^(?:data:[^,]{0,200};base64,|(?:0x)?30[\s:]?8[0-4][0-9a-f\s:]{40})/i.test(text)
  );
}

/** The path that a material is, or `undefined` where it is bytes, text or a variable. */
export function pathOf(material: Material, baseDirectory: string): string | undefined {
  if (isPkcs11Uri(material)) return undefined;
  if (typeof material === 'string') return isInline(material) ? undefined : toPath(material, baseDirectory);
  return isUrl(material) ? toPath(material, baseDirectory) : undefined;
}
