import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { UsageError } from '../command.ts';
import { outside } from '../outside.ts';

/** What p11tool says of a token or of an object: its PKCS#11 URI, and lines `Name: value`. */
export interface Entry {
  readonly uri: string;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Asks a PKCS#11 module through p11tool, the tool of GnuTLS, which brings no code of ours into touch with it. It is
 * given no PIN, and nobody is asked for one: what is listed is what anybody may see.
 *
 * @param module A path; without one those that p11-kit knows.
 */
export class P11Tool {
  readonly #provider: readonly string[];

  constructor(module: string | undefined) {
    // A name alone is one that p11-kit looks for among its own.
    const path = module !== undefined && /[/\\]/.test(module) ? resolve(module) : module;
    this.#provider = path === undefined ? [] : ['--provider', path];
  }

  async tokens(): Promise<Entry[]> {
    return parseEntries(await this.#run('--list-tokens'));
  }

  async objects({ uri }: Pick<Entry, 'uri'>): Promise<Entry[]> {
    return parseEntries(await this.#run('--list-all', uri));
  }

  /** A certificate, as PEM. */
  async certificate({ uri }: Entry): Promise<string> {
    return await this.#run('--export', uri);
  }

  #run(...args: string[]): Promise<string> {
    return new Promise((fulfil, reject) => {
      const environment = { ...process.env, LC_ALL: 'C', TZ: 'UTC' } as NodeJS.ProcessEnv;
      delete environment.GNUTLS_PIN;
      const child = execFile(
        'p11tool',
        [...this.#provider, '--batch', ...args],
        { cwd: outside, env: environment, timeout: 30_000, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 },
        (error, stdout, stderr) => {
          if (error === null) return fulfil(stdout);
          reject(error.code === ('ENOENT' as never) ? notInstalled() : refused(stderr, stdout));
        },
      );
      child.stdin?.end();
    });
  }
}

function brokenLabel(uri: string): UsageError {
  return new UsageError(
    `a label on the token holds a line break, so that its list cannot be read: ${uri}`,
    'Have the token or the object labelled anew, or write its key in the config by its "id".',
  );
}

function notInstalled(): UsageError {
  return new UsageError(
    'p11tool, which lists what a PKCS#11 module offers, is not installed',
    'It is part of GnuTLS: apt install gnutls-bin, dnf install gnutls-utils, brew install gnutls.',
  );
}

function refused(stderr: string, stdout: string): UsageError {
  const [said = 'it ended without a word'] = `${stderr}\n${stdout}`
    .split('\n')
    .filter((line) => /\S/.test(line));
  return new UsageError(
    `p11tool could not ask the module: ${said.trim()}`,
    'Is it the path of a PKCS#11 module, and is the token plugged in? See what there is: clientcert tokens MODULE.',
  );
}

/**
 * `Token 0:`, or `Object 0:`, and below it indented lines `Name: value`.
 *
 * @throws UsageError where a label holds a line break, as only its URI shows: what follows may be anything that whoever
 *   wrote the label wants to be read.
 */
export function parseEntries(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const block of text.split(/^(?:Token|Object) \d+:[ \t]*$/m).slice(1)) {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [, name] = /^\s+([A-Za-z]+(?: [A-Za-z]+)*):/.exec(line) ?? [];
      if (name !== undefined && !fields.has(name)) fields.set(name, line.slice(line.indexOf(':') + 1).trim());
    }
    const uri = fields.get('URL');
    if (!uri?.startsWith('pkcs11:')) continue;
    // An `id` is bytes, of any kind, and is not printed as text.
    if (/[:;](?!id=)[\w-]+=[^;?]*%0[ad]/i.test(uri)) throw brokenLabel(uri);
    entries.push({ uri, fields });
  }
  return entries;
}
