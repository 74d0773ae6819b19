import { variable } from '../own.ts';
import { show } from '../quote.ts';
import type { Passphrase } from '../types.ts';
import { readFileBytes } from './file.ts';
import { Problem } from './problem.ts';
import { adviseUnset, describeUnset } from './source.ts';
import type { Surroundings } from './surroundings.ts';
import { untilAborted } from './until-aborted.ts';

/** BMPString for PKCS#12's own derivation, octets for everything else. */
export type PasswordForm = 'bmp' | 'octets';

/** A passphrase that was asked for, and, where it came out as none or empty, why. */
export interface ResolvedPassphrase {
  readonly text: string | undefined;
  readonly reason?: string;
  /** What to do about that. */
  readonly advice?: string;
}

/**
 * Fetches a passphrase from where the source says it is.
 *
 * @param role What messages call it; other secrets are kept in the same ways.
 */
export async function resolvePassphrase(
  passphrase: Passphrase | undefined,
  surroundings: Surroundings,
  role = 'passphrase',
): Promise<ResolvedPassphrase> {
  if (passphrase === undefined) return { text: undefined };
  if (typeof passphrase === 'string') return orEmpty(passphrase, `\`${role}\``);
  if (typeof passphrase === 'function') {
    const text: unknown = await callPassphrase(passphrase, role, surroundings.signal);
    if (text === undefined || text === null)
      return { text: undefined, reason: `the ${role} function returned none` };
    if (typeof text !== 'string')
      throw new Problem('CONFIG_INVALID', `the ${role} function returned something that is not a string`);
    return orEmpty(text, `what the ${role} function returned`);
  }
  if (typeof passphrase !== 'object' || passphrase === null) throw noPassphrase(role);
  if ('env' in passphrase) {
    const text = variable(passphrase.env, surroundings.env);
    return text === undefined
      ? { text, reason: describeUnset(passphrase.env), advice: adviseUnset(passphrase.env, `the ${role}`) }
      : orEmpty(text, `the environment variable ${show(passphrase.env, 'variable')}`);
  }
  if ('file' in passphrase)
    return orEmpty(await readPassphraseFile(passphrase.file, surroundings, role), `the ${role} file`);
  throw noPassphrase(role);
}

/** An empty one opens a few files; where it does not, it is taken for one that was forgotten. */
function orEmpty(text: string, where: string): ResolvedPassphrase {
  return text === '' ? { text, reason: `${where} is empty`, advice: 'Put the passphrase there.' } : { text };
}

/**
 * A passphrase that a source writes and that has no value, as `process.env.NAME` has none where NAME is not set:
 * to add it would be no advice.
 */
export function unsetPassphrase(role: string): ResolvedPassphrase {
  return {
    text: undefined,
    reason: `\`${role}\` is written and is undefined`,
    advice: `Set the environment variable that \`${role}\` is read from.`,
  };
}

function noPassphrase(role: string): Problem {
  return new Problem(
    'CONFIG_INVALID',
    `the ${role} is neither a string nor { env }, { file } or a function`,
    `Write ${role}: process.env.NAME, { env: 'NAME' } or { file: '/run/secrets/name' }.`,
  );
}

async function callPassphrase(
  ask: () => unknown,
  role: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    return await (signal === undefined ? ask() : untilAborted(ask(), signal));
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Problem('PASSPHRASE_MISSING', `the ${role} function failed`, 'Its error is the cause.', cause, {
      what: role === 'keyPassphrase' ? 'key' : 'file',
    });
  }
}

async function readPassphraseFile(
  file: string | URL,
  surroundings: Surroundings,
  role: string,
): Promise<string> {
  const { bytes } = await readFileBytes(file, surroundings, `the ${role} file`);
  try {
    // What Windows shells write with `>`, beside plain UTF-8.
    const text =
      bytes[0] === 0xff && bytes[1] === 0xfe
        ? bytes.toString('utf16le', 2)
        : bytes.toString('utf8', bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
    return text.replace(/\r?\n$/, '');
  } finally {
    bytes.fill(0);
  }
}

/**
 * The byte strings a passphrase may stand for, the standard one first.
 *
 * - `bmp`: BMPString with terminator (RFC 7292 appendix B.1). `''` is tried as that and as no passphrase at all
 *   (zero bytes); then, as OpenSSL up to 1.0 wrote it, one character per UTF-8 byte.
 * - `octets`: UTF-8 (RFC 8018), then Latin-1.
 */
export function spell(passphrase: string, form: PasswordForm): Buffer[] {
  const plain = isAscii(passphrase);
  if (form === 'octets')
    return plain
      ? [bytesOf(passphrase, 'latin1')]
      : [bytesOf(passphrase, 'utf8'), bytesOf(passphrase, 'latin1')];
  if (passphrase === '') return [bmpString(''), Buffer.alloc(0)];
  if (plain) return [bmpString(passphrase)];
  return [bmpString(passphrase), bmpString(bytesOf(passphrase, 'utf8').toString('latin1'))];
}

/** In memory of their own, as other Buffers show what they share. */
export function bytesOf(text: string, encoding: 'utf8' | 'latin1'): Buffer {
  const bytes = Buffer.alloc(Buffer.byteLength(text, encoding));
  bytes.write(text, encoding);
  return bytes;
}

/** UTF-16BE with two zero bytes at the end; astral characters as surrogate pairs, as every writer does. */
function bmpString(text: string): Buffer {
  const bytes = Buffer.alloc(text.length * 2 + 2);
  bytes.write(text, 'utf16le');
  return bytes.swap16();
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** The passphrases and their state while one file is read. */
export interface Keyring {
  readonly passphrase: ResolvedPassphrase;
  readonly keyPassphrase: ResolvedPassphrase;
  /** What opens the token that holds the key, where it was asked for. */
  readonly pin?: ResolvedPassphrase | undefined;
  /** The path of what reaches the token where no provider does. */
  readonly engine?: string | undefined;
  /**
   * The passphrase was given for another file, and is tried here for want of one: what can be read without is.
   * Says how to give the right one.
   */
  readonly lent?: string | undefined;
  /** Set where a passphrase opened, or was needed to open, something. */
  used: boolean;
}

export function missingPassphrase({ passphrase, lent }: Keyring, what: string): Problem {
  return new Problem(
    'PASSPHRASE_MISSING',
    `${what}, and no passphrase was given${passphrase.reason === undefined ? '' : `: ${passphrase.reason}`}`,
    lent ??
      passphrase.advice ??
      "Add passphrase: process.env.NAME, { env: 'NAME' } or { file: '/run/secrets/name' }.",
    undefined,
    { what: 'file' },
  );
}

export function wrongPassphrase(keyring: Keyring): Problem {
  const {
    passphrase: { text = '' },
    lent,
  } = keyring;
  if (lent !== undefined)
    return new Problem('PASSPHRASE_WRONG', "the certificate's passphrase does not open it", lent, undefined, {
      what: 'file',
    });
  if (text === '') return missingPassphrase(keyring, 'is protected by a passphrase');
  const slip = /^\s|\s$/.test(text)
    ? ' The one given begins or ends with blank space or a newline.'
    : /^(["']).*\1$/.test(text)
      ? ' The one given stands in quotation marks.'
      : '';
  return new Problem(
    'PASSPHRASE_WRONG',
    'the passphrase is wrong',
    `Check it against the one that came with the file: case, keyboard layout, and characters that a shell or .env file may have swallowed ($, \\, #).${slip}`,
    undefined,
    { what: 'file' },
  );
}
