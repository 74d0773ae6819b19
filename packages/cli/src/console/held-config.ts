import { ClientCertificateError, type Credentials, loadCredentials } from '@clientcert/core';
import { unifiedDiff } from '../migrate/diff.ts';
import { ConfigFile, changed, type Written } from './config-file.ts';
import { compose, type Draft, draftOf, repeatedIn } from './draft.ts';
import { explainedFailures } from './explained.ts';
import { atPlace } from './place.ts';
import { Secrets } from './secrets.ts';

interface Drafted {
  readonly credentials?: Credentials;
  readonly unread?: ClientCertificateError;
  readonly config: object;
  readonly written: Written;
}

/** The config of the console: as it stands in its file, and as it would be with a draft. */
export class HeldConfig {
  readonly file: ConfigFile;
  readonly secrets: Secrets;
  readonly #current = new Loaded(true);
  readonly #draft = new Loaded(false);

  constructor(path: string) {
    this.file = new ConfigFile(path);
    this.secrets = new Secrets(this.file.directory);
  }

  /** The credentials of the file as it is now. */
  async current(): Promise<{
    written: Written;
    credentials: Credentials;
    readAt: ReadonlyMap<string, Date>;
  }> {
    const written = await this.#read();
    const credentials = await this.#current.load(this.#placed(written.config));
    return { written, credentials, readAt: this.#current.readAt };
  }

  /** The file as a draft to begin with; `undefined` where it is no JSON. */
  async begin(): Promise<{ version: string; exists: boolean; draft: Draft | undefined }> {
    const { text, config, version } = await this.file.read();
    return { version, exists: text !== undefined, draft: config && draftOf(config, this.secrets) };
  }

  /**
   * The credentials that a draft comes to, checked as loading checks a config. Where they cannot be had because of what
   * is not there to be read, there is no mistake in the draft: `unread` says why.
   */
  async drafted(draft: Draft): Promise<Drafted> {
    const written = await this.#read();
    const config = compose(draft, written.config, this.secrets);
    const repeated = repeatedIn(draft);
    if (repeated.length > 0)
      throw new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', repeated[0]!.message, {
        hint: 'Keep one of the two.',
        issues: repeated,
      });
    try {
      return { credentials: await this.#draft.load(this.#placed(config)), config, written };
    } catch (error) {
      // What is wrong with a config itself has a place in it.
      if (!(error instanceof ClientCertificateError) || error.issues) throw error;
      return { unread: error, config, written };
    }
  }

  /** The draft as the text of the file, and how that differs from what is there; nothing secret in either. */
  async compare(draft: Draft): Promise<{ json: string; diff: string[] }> {
    const written = await this.#read();
    const text = (config: unknown) => this.file.format(this.secrets.conceal(config), written);
    const json = text(compose(draft, written.config, this.secrets));
    const before = written.text === undefined ? '' : text(written.config);
    return { json, diff: unifiedDiff(before, json) };
  }

  /** @throws what loading throws, and UsageError where the file is not the one that the draft began with */
  async save(draft: Draft, version: string): Promise<void> {
    const { config, written } = await this.drafted(draft);
    if (written.version !== version) throw changed(this.file.path);
    await this.file.replace(this.file.format(config, written), written);
  }

  async close(): Promise<void> {
    await Promise.all([this.#current.close(), this.#draft.close()]);
  }

  /** What is no JSON is told of by core, with the line, and without a word of it. */
  async #read(): Promise<Written & { config: Readonly<Record<string, unknown>> }> {
    const written = await this.file.read();
    if (written.config !== undefined) return { ...written, config: written.config };
    await (await loadCredentials(this.file.path)).close();
    // It is put right since it was read: it never counts as an empty one.
    throw changed(this.file.path);
  }

  /** Certificates that cannot be read are told of one by one: the others are there to be looked at. */
  #placed(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return { ...atPlace(config, this.file.directory), allowBroken: true };
  }

  /** Failures as loading the file itself tells them, where paths are relative. */
  failures(error: unknown): ReturnType<typeof explainedFailures> {
    return explainedFailures(error, this.file.directory);
  }
}

/** Credentials that are brought up to what is asked for, one call after another. */
class Loaded {
  readonly readAt = new Map<string, Date>();
  readonly #watch: boolean;
  #key = '';
  #credentials: Credentials | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param watch Whether changed files are read again, as the config has it. */
  constructor(watch: boolean) {
    this.#watch = watch;
  }

  load(config: Readonly<Record<string, unknown>>): Promise<Credentials> {
    const next = this.#last.then(() => this.#load(config));
    this.#last = next.catch(() => {});
    return next;
  }

  async #load(written: Readonly<Record<string, unknown>>): Promise<Credentials> {
    const config = this.#watch ? written : { ...written, watch: false };
    const key = JSON.stringify(config);
    if (this.#credentials && key === this.#key) return this.#credentials;
    const credentials = (await this.#reload(config)) ?? (await this.#begin(config));
    this.#key = key;
    for (const { name } of credentials.certificates())
      if (!this.readAt.has(name)) this.readAt.set(name, new Date());
    return credentials;
  }

  /** Certificates that stay the same are not read again for a rule that changes; of new ones each has to be readable. */
  async #reload(config: Readonly<Record<string, unknown>>): Promise<Credentials | undefined> {
    try {
      const report = await this.#credentials?.reload(config);
      for (const name of report?.changed ?? []) this.readAt.set(name, new Date());
      return this.#credentials;
    } catch {
      // Loading says what is wrong, if anything is.
      return undefined;
    }
  }

  async #begin(config: Readonly<Record<string, unknown>>): Promise<Credentials> {
    const credentials = await loadCredentials(config);
    credentials
      .on('warning', () => {})
      .on('error', () => {})
      .on('rotate', ({ name }) => this.readAt.set(name, new Date()));
    await this.#credentials?.close();
    this.#credentials = credentials;
    this.readAt.clear();
    return credentials;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#credentials?.close();
  }
}
