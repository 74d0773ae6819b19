import { randomBytes } from 'node:crypto';
import { basename, extname, join } from 'node:path';
import { type ClientCertificate, ClientCertificateError, readCertificate } from '@clientcert/core';
import { readBounded } from '../bounded-file.ts';
import { UsageError } from '../command.ts';
import { encode, FORMATS, type Format } from '../commands/convert.ts';
import { readSettings } from '../commands/import.ts';
import { describe } from '../failure.ts';
import { entryOf } from '../inspect/config-entry.ts';
import { halvesIn, reportOn, reportOnPair } from '../inspect/read.ts';
import type { Report } from '../inspect/report.ts';
import type { Imported } from '../other/assemble.ts';
import { writeOutput } from '../output.ts';
import type { Passphrases } from '../passphrase.ts';
import { readDraft } from './draft.ts';
import { Input, isRecord } from './input.ts';
import { withOwnVariables } from './own-variables.ts';

/** An identity, or certificates without a key, as it was read from what was dropped. */
interface Read {
  readonly certificate: ClientCertificate<ClientCertificate['privateKey'] | null>;
  /** What a config calls it, and where it finds it. */
  readonly entry: ReturnType<typeof entryOf>;
  /** The files that it needs. */
  readonly files: readonly string[];
}

/** What was dropped, in memory alone, until the page lets go of it. No passphrase is kept. */
interface Held {
  readonly files: ReadonlyMap<string, Buffer>;
  read: readonly Read[];
}

/** With the number of the first of its identities, or of what it holds without a key, if that can be converted. */
type Numbered = Report & { readonly first?: number };

export interface Look {
  readonly handle: string;
  readonly reports: readonly Numbered[];
  /** Which passphrase is to be asked for, of which file, and whether one was given that is wrong. */
  readonly asks?: { readonly what: keyof Passphrases; readonly file: string; readonly wrong: boolean };
  /** Another tool's settings, as a config. */
  readonly imported?: Imported & { readonly tool: string };
}

/** So many are held at once; the oldest is let go of first. */
const MOST = 16;
/** In bytes; the same as core reads at most. */
const LARGEST = 16 * 2 ** 20;

/** Files that a person dropped on the page. */
export class DroppedFiles {
  readonly #held = new Map<string, Held>();

  /** What is in them, and whether it would work; the passphrases are used for this and not kept. */
  async look(value: unknown, tell: (progress: object) => void): Promise<Look> {
    const input = new Input(value);
    const handle = input.optionalText('handle') ?? this.#take(input.list('files'));
    const held = this.#of(handle);
    const secretsOf = passphrasesIn(input.get('passphrases'));
    const imported = await this.#import(held);
    if (imported) return { handle, reports: [], imported };
    const reports: Numbered[] = [];
    const read: Read[] = [];
    let asks: Look['asks'];
    const report = async (file: string, act: () => Promise<Report>) => {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof ClientCertificateError)) throw error;
        asks ??= whichToAsk(error, secretsOf(file), file);
        return { file, verdict: 'unusable' as const, error: describe(error) as NonNullable<Report['error']> };
      }
    };
    for (const [file, bytes] of held.files) {
      tell({ reading: file });
      const passphrases = secretsOf(file);
      const found: ClientCertificate[] = [];
      const one = await report(file, () =>
        reportOn(file, passphrases, bytes, (certificate) => found.push(certificate)),
      );
      const first = read.length;
      const kind = one.format === 'PEM' || one.format === 'DER' ? 'cert' : 'pfx';
      for (const [index, certificate] of found.entries()) {
        const alias = found.length > 1 ? certificate.certificate.fingerprint256 : undefined;
        read.push({
          certificate,
          entry: entryOf(file, { [kind]: file }, passphrases, alias, index),
          files: [file],
        });
      }
      if (found.length === 0 && one.certificates?.length)
        read.push(...(await readPublic(file, bytes, passphrases)));
      reports.push({ ...one, ...(read.length > first && { first }) });
    }
    const pair = halvesIn(reports);
    if (pair) {
      const files = [...pair.certs, pair.key].map(({ file }) => file);
      for (const half of [...pair.certs, pair.key]) half.halfOf = files;
      const paths = pair.certs.map(({ file }) => file);
      const passphrases = secretsOf(pair.key.file);
      const together = await report(files.join(' + '), () =>
        reportOnPair(
          pair,
          passphrases,
          (file) => held.files.get(file)!,
          (certificate) => {
            const cert = paths.length === 1 ? paths[0]! : paths;
            const entry = entryOf(paths[0]!, { cert, key: pair.key.file }, passphrases, undefined);
            read.push({ certificate, entry, files });
          },
        ),
      );
      reports.push({ ...together, ...(together.error === undefined && { first: read.length - 1 }) });
    }
    held.read = read;
    return { handle, reports, ...(asks && { asks }) };
  }

  /** The same in another format. A file with a key has to be named, and has a passphrase. */
  async convert(value: unknown): Promise<{ name: string; content: Buffer }> {
    const input = new Input(value);
    const { certificate, files } = this.#read(input);
    const to = input.text('to');
    if (!Object.hasOwn(FORMATS, to)) throw new UsageError('"to" names no format');
    const { extension, secret } = FORMATS[to as Format];
    const passphrase = input.optionalText('passphrase');
    const name = secret
      ? nameWithKey(input.optionalText('name'), extension)
      : `${basename(files[0]!, extname(files[0]!))}.${extension}`;
    if (secret && certificate.privateKey === null)
      throw new UsageError('there is no private key in what was dropped');
    if (secret && passphrase === undefined)
      throw new UsageError(
        'a file with a private key needs a passphrase',
        'Type one twice. clientcert convert --plain writes a key without one.',
      );
    const options = { to: to as Format, chain: input.get('chain') !== false };
    const content = await encode(certificate as ClientCertificate, passphrase, options);
    return { name, content: Buffer.from(content) };
  }

  /** Writes the files beside the config, never over another, and says what the config would say of them. */
  async add(
    value: unknown,
    directory: string,
  ): Promise<{ name: string; source: unknown; written: string[] }> {
    const input = new Input(value);
    const { entry, files } = this.#read(input);
    const { files: bytes } = this.#of(input.text('handle'));
    const written: string[] = [];
    for (const file of files) {
      const path = join(directory, file);
      // What cannot be compared, such as a pipe, is another file.
      const there = await readBounded(path, LARGEST).catch((error: NodeJS.ErrnoException) =>
        error.code === 'ENOENT' ? undefined : null,
      );
      if (there?.equals(bytes.get(file)!)) continue;
      if (there !== undefined)
        throw new UsageError(
          `another file ${file} is beside the config already, and was left alone`,
          'Give the file another name, and drop it again.',
        );
      await writeOutput(path, bytes.get(file)!, false);
      written.push(file);
    }
    const draft = input.get('draft');
    const { source } = withOwnVariables(entry.source, isRecord(draft) ? readDraft(draft).certificates : []);
    return { name: input.optionalText('name') ?? entry.name, source, written };
  }

  forget(value: unknown): void {
    this.#held.delete(new Input(value).text('handle'));
  }

  clear(): void {
    this.#held.clear();
  }

  #take(list: readonly unknown[]): string {
    if (list.length === 0 || list.length > 20)
      throw new UsageError('one file is looked at, or up to 20 together');
    const files = new Map<string, Buffer>();
    for (const each of list) {
      const input = new Input(each);
      const name = fileName(input.text('name'));
      const bytes = Buffer.from(input.text('content'), 'base64');
      if (bytes.length > LARGEST) throw new UsageError(`${name} is larger than what is read here ever is`);
      if (files.has(name)) throw new UsageError(`two files are called ${name}`, 'Give one another name.');
      files.set(name, bytes);
    }
    const handle = randomBytes(18).toString('base64url');
    const [oldest] = this.#held.keys();
    if (oldest !== undefined && this.#held.size >= MOST) this.#held.delete(oldest);
    this.#held.set(handle, { files, read: [] });
    return handle;
  }

  #of(handle: string): Held {
    const held = this.#held.get(handle);
    if (held === undefined) throw new UsageError('the file is not held any longer', 'Drop it again.');
    return held;
  }

  #read(input: Input): Read {
    const read = this.#of(input.text('handle')).read[input.number('index')];
    if (read === undefined) throw new UsageError('the file was not read', 'Drop it again.');
    return read;
  }

  /** What looks like settings, and is some. */
  async #import({ files }: Held): Promise<Look['imported']> {
    const [[name, bytes] = ['', Buffer.alloc(0)], ...others] = files;
    const text = bytes.toString().replace(/^\ufeff/, '');
    if (others.length > 0 || bytes.includes(0) || !(SETTINGS.test(name) || /^\s*[[{]/.test(text)))
      return undefined;
    for (const tool of TOOLS) {
      try {
        // Nobody knows where the file was: paths stay as they are.
        const imported = await readSettings(tool, text, name, [], (path) => path);
        if (isRecord(imported.config) && Object.keys(imported.config).length > 0)
          return { ...imported, tool };
      } catch (error) {
        if (error instanceof UsageError) continue;
        // They are Mendix's, and something is wrong with them.
        if (error instanceof ClientCertificateError) throw error;
        throw error;
      }
    }
    return undefined;
  }
}

const SETTINGS = /\.(?:json|[cm]?[jt]s|env|txt|properties)$/i;
/** Each knows its own; the first that takes a text has it. */
const TOOLS = ['mendix', 'postman', 'playwright', 'cypress', 'insomnia'];

/** Certificates without a key, for whoever wants them in another format. */
async function readPublic(file: string, bytes: Buffer, passphrases: Passphrases): Promise<Read[]> {
  try {
    const certificate = await readCertificate({ cert: bytes, ...passphrases }, { key: 'optional' });
    return [{ certificate, entry: entryOf(file, { cert: file }, passphrases, undefined), files: [file] }];
  } catch {
    // A bundle of roots has no leaf, and there is nothing to convert.
    return [];
  }
}

/** The passphrases of each file, by its name. */
function passphrasesIn(value: unknown): (file: string) => Passphrases {
  const given = new Map(Object.entries(isRecord(value) ? value : {}));
  return (file) => {
    const input = new Input(given.get(file) ?? {});
    return {
      passphrase: input.optionalText('passphrase'),
      keyPassphrase: input.optionalText('keyPassphrase'),
    };
  };
}

/** As a prompt asks: for the key's own where the file itself was opened. */
function whichToAsk(error: ClientCertificateError, given: Passphrases, file: string): Look['asks'] {
  const missing = error.code === 'ERR_CLIENTCERT_PASSPHRASE_MISSING';
  if (!missing && error.code !== 'ERR_CLIENTCERT_PASSPHRASE_WRONG') return undefined;
  const ofKey = given.passphrase !== undefined && error.passphraseOf?.what === 'key';
  const what = ofKey ? 'keyPassphrase' : 'passphrase';
  return { what, file, wrong: given[what] !== undefined };
}

/** A name alone: no way to another directory, and nothing that a terminal or a file system reads as more than a name. */
function fileName(text: string): string {
  const name = text
    .split(/[/\\]/)
    .at(-1)!
    .replace(/[\p{Cc}\p{Cf}:*?"<>|]/gu, '')
    .trim();
  if (name === '' || /^\.+$/.test(name) || name.length > 200)
    throw new UsageError('a file has no usable name');
  return name;
}

/** A private key leaves under a name that a person wrote, and never by itself. */
function nameWithKey(text: string | undefined, extension: string): string {
  if (text === undefined)
    throw new UsageError(
      'a file with a private key is made under a name',
      `Write one, such as client.${extension}.`,
    );
  const name = fileName(text);
  return name.toLowerCase().endsWith(`.${extension}`) ? name : `${name}.${extension}`;
}
