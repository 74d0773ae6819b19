import { createHash, randomBytes } from 'node:crypto';
import { chown, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { show } from '@clientcert/core/adapter';
import { readBounded } from '../bounded-file.ts';
import { UsageError } from '../command.ts';
import { isRecord } from './input.ts';

/** A config as it stands in its file. */
export interface Written {
  /** `undefined` where there is no file yet. */
  readonly text: string | undefined;
  /** `undefined` where the text is no JSON object, or has a key twice. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** Equal as long as the file is the same. */
  readonly version: string;
}

/** The file of a config: read whenever it is asked for, and replaced whole or not at all. */
export class ConfigFile {
  readonly path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = resolve(path);
  }

  get directory(): string {
    return dirname(this.path);
  }

  async read(): Promise<Written> {
    const text = await readText(this.path);
    const version = createHash('sha256')
      .update(text ?? '')
      .digest('hex');
    return { text, config: text === undefined ? {} : parse(text), version };
  }

  /** As it would be written: indented as it is, with the line ends that it has. */
  format(config: unknown, { text = '' }: Pick<Written, 'text'>): string {
    const indent = /^\s*\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
    const json = `${JSON.stringify(config, null, indent)}\n`;
    return text.includes('\r\n') ? json.replaceAll('\n', '\r\n') : json;
  }

  /**
   * Puts a text in the place of what was read. Where the file is a link, what it leads to is replaced; who may read it
   * may read it afterwards.
   *
   * @throws UsageError where the file is another by now, or cannot be written
   */
  async replace(text: string, before: Written): Promise<void> {
    // One after another: of two tabs that save at once, the second finds what the first wrote.
    const next = this.#last.then(() => this.#replace(text, before));
    this.#last = next.catch(() => {});
    await next;
  }

  async #replace(text: string, before: Written): Promise<void> {
    const path = await realpath(this.path).catch(() => this.path);
    const temporary = join(
      dirname(path),
      `.${basename(path).slice(0, 64)}.${randomBytes(6).toString('hex')}`,
    );
    try {
      const there = await stat(path).catch(() => undefined);
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        if (there) await file.chmod(there.mode & 0o777);
        await file.sync();
      } finally {
        await file.close();
      }
      if (there && (there.uid !== process.getuid?.() || there.gid !== process.getgid?.()))
        await chown(temporary, there.uid, there.gid).catch(() => {});
      const { version } = await this.read();
      if (version !== before.version) throw changed(this.path);
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => {});
      if (error instanceof UsageError) throw error;
      throw new UsageError(
        `${show(this.path, 'path')} cannot be written: ${(error as NodeJS.ErrnoException).code}`,
        'Nothing was changed. Let the user that runs the command write its directory.',
      );
    }
  }
}

/** What is saved starts from what was read, and nothing that somebody else wrote meanwhile is lost. */
export function changed(path: string): UsageError {
  return new UsageError(
    `${show(path, 'path')} was changed by somebody else meanwhile`,
    'Nothing was saved. Load it again, and make the change once more.',
  );
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readBounded(path, LARGEST)).toString().replace(/^\ufeff/, '');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new UsageError(`${show(path, 'path')} cannot be read: ${code}`);
  }
}

/** As of core. */
const LARGEST = 16 * 2 ** 20;

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && keysIn(value) === keysWritten(text) ? value : undefined;
  } catch {
    // Core says where, and repeats nothing of the text.
    return undefined;
  }
}

/** Fewer than are written where one stands twice, of which JSON.parse keeps the last in silence. */
function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const held = Object.values(value);
  return held.reduce<number>((sum, each) => sum + keysIn(each), Array.isArray(value) ? 0 : held.length);
}

function keysWritten(text: string): number {
  // Without what is escaped, a string has no quotation mark in it: no pattern has to nest, however long it is.
  const plain = text.replaceAll(/\\./g, '');
  return [...plain.matchAll(/"[^"]*"\s*(:?)/g)].filter(([, colon]) => colon).length;
}
