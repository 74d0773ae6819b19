import { resolve } from 'node:path';
import { latePattern } from './late-pattern.ts';
import { kindOf } from './own.ts';
import { isUrl } from './url.ts';

/**
 * What a place of a config, or an argument, is for.
 *
 * - `chosen`: a name of the user's own choice (a certificate, a service), where it is defined
 * - `name`: such a name where it is used, and is not among the defined ones
 * - `option`: the name of an option
 * - `variable`: the name of an environment variable
 * - `path`: a file or directory
 * - `host`: a host as it is written, well or badly
 */
export type Kind = 'chosen' | 'name' | 'option' | 'variable' | 'path' | 'host';

/**
 * A text that a user wrote, as messages print it: in quotation marks where it can be what its place is for, else
 * not at all. In the place of a name people put the value (`{ env: process.env.KEY }`), in that of a path the file's
 * content, in that of a host a URL with its password; so nothing is printed that has only been *meant* as a name.
 */
export function quote(text: string, kind: Kind, directory?: string): string {
  return isPlausible(text, kind, directory) ? JSON.stringify(text) : hidden(text);
}

/** The same without quotation marks. */
export function show(text: string, kind: Kind, directory?: string): string {
  return isPlausible(text, kind, directory) ? text : hidden(text);
}

/** What was written for an origin and is none; a word alone may be a password. */
export function quoteOrigin(written: unknown): string {
  const text = isUrl(written) ? written.href : written;
  if (typeof text !== 'string') return kindOf(text);
  return /[.:]/.test(text) ? quote(text, 'host') : 'a text';
}

function hidden({ length }: string): string {
  // Of a passphrase the length, too, is nobody's business.
  return length > LONGEST_WORD ? `(${length} characters, not shown)` : '(not shown: it may be a secret)';
}

/**
 * Whether a text can be what its place is for.
 *
 * @param directory What a relative path starts at; the working directory unless given.
 */
export function isPlausible(text: string, kind: Kind, directory = ''): boolean {
  return !isSecret(text) && PLAUSIBLE[kind](text, directory);
}

const LONGEST_WORD = 64;

const PLAUSIBLE: Readonly<Record<Kind, (text: string, directory: string) => boolean>> = {
  chosen: () => true,
  name: isName,
  option: (text) => /^(?:[$_a-z][a-z_-]{0,39}|p12|pkcs12|pinsha256)$/i.test(text),
  variable: (text) => text in process.env || (isVariable(text) && variableWith(text) === undefined),
  path: (text, directory) => isPath(text) || (text !== '' && exists(resolve(directory, text))),
  host: isHost,
};

/** To import `node:fs` loads its promises too, and is a large part of what importing the package costs. */
function exists(path: string): boolean {
  return process.getBuiltinModule('node:fs').existsSync(path);
}

/**
 * What is no name of anything, whoever chose it: key material, tokens, JSON, a URL with a password, a PIN.
 *
 * @see RFC 7468, section 2 (PEM); RFC 7512, section 2.4 (`pin-value`)
 */
export function isSecret(text: string): boolean {
  return (
    text.length > 1024 ||
    UNPRINTABLE().test(text) ||
    SECRETS.some((pattern) => pattern.test(text)) ||
    looksRandom(text)
  );
}

const UNPRINTABLE = latePattern(String.raw`[\p{Cc}\ufffd]`);

const SECRETS: readonly RegExp[] = [
  /-----|PRIVATE KEY|PuTTY-User-Key-File/,
  /["{}<>`]/,
  /^[a-z][a-z\d+.-]*:[/\\]{2}[^/\\]*@|:[/\\]{2}.*[:@].*@/i,
  /pin-(?:value|source)=/i,
  /\beyJ[\w-]{8,}\.[\w-]+/,
  /(?:^|[\s*/:=])(?:gh[a-z]_|github_pat_|glpat-|sk-|xox[a-z]-|hvs\.|AKIA|Basic |Bearer )/,
  /^\s*(?:M[A-P]|LS0t|TU[k-l]|TFMw|\/u3\+7Q|zs7Ozg)[A-Za-z0-9+/_\s-]{36}/,
  /^(?:data:[^,]{0,200};base64,|(?:0x)?30[\s:]?8[0-4][0-9a-f\s:]{40})/i,
];

/** Words keep to one kind of character for a while; base64 changes it all the time. */
function looksRandom(text: string): boolean {
  return text.split(/[/\\.\s*:,;]/).some((bare) => {
    if (bare.length < 32 || !/[A-Z]/.test(bare) || !/[a-z]/.test(bare)) return false;
    if (!/^[A-Za-z0-9+=_-]*$/.test(bare)) return false;
    const changes = bare.match(/[a-z](?=[^a-z])|[A-Z](?=[^A-Z])|[0-9](?=[^0-9])/g)?.length ?? 0;
    return changes > bare.length * 0.3;
  });
}

/** Words, with what joins words; a digit within or after a word that stands alone is how passwords are made. */
function isName(text: string): boolean {
  if (text.length > LONGEST_WORD || !text.split(/[._/:-]/).every((word) => WORD().test(word))) return false;
  return !/\d/.test(text) || JOINED().test(text);
}

const JOINED = latePattern(String.raw`[._/:\-]|\p{Ll}\p{Lu}`);
const WORD = latePattern(String.raw`^(?:\p{L}+\d{0,4}|\d{1,4})$`);

function isVariable(text: string): boolean {
  if (text.length > LONGEST_WORD || !/^[A-Z_][A-Z\d_]*$/.test(text)) return false;
  return /^[A-Z]+$/.test(text) || (text.includes('_') && text.split('_').every((word) => SHOUTED.test(word)));
}

const SHOUTED = /^(?:[A-Z]*\d{0,4}|[A-Z\d]{1,4})$/;

/** The environment variable that has this text as its value: what `{ env: process.env.NAME }` was meant to name. */
export function variableWith(text: string): string | undefined {
  return text === '' ? undefined : Object.keys(process.env).find((name) => process.env[name] === text);
}

/** What is written as a path. A word alone is one only where there is such a file: a passphrase is none. */
function isPath(text: string): boolean {
  const isRooted = /^(?:\.{0,2}[/\\]|~[/\\]|[a-z]:[/\\]|\\\\)/i.test(text);
  const segments = text.replace(/^[a-z]:(?=[/\\])/i, '').split(/[/\\]/);
  if (!segments.every((segment) => SEGMENT().test(segment))) return false;
  if (isRooted) return true;
  if (EXTENSION.test(text)) return true;
  return segments.length > 1 && segments.every((segment) => segment.split(/[ ._-]/).every(isWordOrNone));
}

const SEGMENT = latePattern(String.raw`^[\p{L}\p{M}\p{N} ._@~+(),:\-]*$`);
const EXTENSION =
  /\.(?:pem|crt|cer|cert|key|pfx|p12|pkcs12|p7[bcs]|p8|pk8|der|b64|jks|jceks|ks|keystore|truststore|kdb|bks|csr|txt|json|conf|env|pass|password|secret|bak|old)$/i;

function isWordOrNone(text: string): boolean {
  return text === '' || WORD().test(text);
}

/** Hosts, URLs without a user, lists of both, with mistakes that nobody makes in a password. */
function isHost(text: string): boolean {
  if (text.length > 300) return false;
  const pieces = text.split(/[\s,;]+/).filter((piece) => piece !== '');
  return pieces.every(
    (piece) =>
      HOST().test(piece) &&
      (piece.includes('.') || (piece === text && !piece.replace(/:\*$/, '').includes('*'))),
  );
}

const HOST = latePattern(
  String.raw`^(?:[a-z][a-z\d+.-]*:[/\\]{2})?(?:[\p{L}\p{M}\p{N}_.*-]+|\[[\da-f:.%\w]*\]?|[\da-f:.]+(?:%\w+)?)(?::[\d*]*|:https?)?(?:[/\\][\w/\\.-]*)?$`,
  'iu',
);
