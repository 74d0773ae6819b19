import { quote } from '@clientcert/core/adapter';

/** Where a tool finds a file: its path, an environment variable that holds it, or the PEM text itself. */
export type Place = { readonly path: string } | { readonly env: string } | { readonly text: string };

/**
 * How a tool comes by a passphrase. `written`: it stands in its settings, and which one it is is nobody's business.
 */
export type Secret = 'written' | { readonly env: string } | { readonly file: string };

/** What every tool says of a certificate: where it goes, and which files it is in. */
export interface Entry {
  /** What it is called there, if anything. */
  readonly name?: string | undefined;
  /** As under `hosts` of a config; `*` alone is every host. */
  readonly hosts: readonly string[];
  /** Whom a call is made as, where the tool names no host. */
  readonly service?: string | undefined;
  readonly pfx?: Place | undefined;
  readonly cert?: Place | undefined;
  readonly key?: Place | undefined;
  readonly passphrase?: Secret | undefined;
  readonly keyPassphrase?: Secret | undefined;
  readonly alias?: string | undefined;
  readonly ca?: readonly Place[] | undefined;
  readonly caPassphrase?: Secret | undefined;
  /** `only`: the tool trusts nothing but `ca` there. */
  readonly trust?: 'only' | undefined;
  /** What its rules say beside the certificate. */
  readonly rule?: { readonly tls?: unknown; readonly spki?: readonly string[] } | undefined;
}

/** What was not carried over, and why. */
export interface Omitted {
  readonly what: string;
  readonly why: string;
}

/** What a tool's settings hold. */
export class Findings {
  readonly entries: Entry[] = [];
  readonly omitted: Omitted[] = [];
  /** What was carried over, and is not quite what it was. */
  readonly notes: string[] = [];
  /** Of a config, beside its certificates and rules. */
  readonly options: { proxy?: string; tls?: unknown; watch?: unknown; ca?: readonly Place[] } = {};

  readonly #told = new Set<string>();

  leave(what: string, why: string): void {
    if (this.#isNew(`${what}\0${why}`)) this.omitted.push({ what, why });
  }

  note(text: string): void {
    if (this.#isNew(text)) this.notes.push(text);
  }

  #isNew(text: string): boolean {
    return this.#told.size < this.#told.add(text).size;
  }

  /** Each key of an object that is not known here. */
  leaveUnknown(where: string, value: object, known: readonly string[]): void {
    for (const [key, held] of Object.entries(value)) {
      if (!known.includes(key) && held !== undefined && held !== null && held !== '')
        this.leave(
          `${quote(key, 'option')} of ${where}`,
          'there is nothing like it here, or it is not known',
        );
    }
  }

  /**
   * The pattern under `hosts` for a tool's own, in which a star stands for anything.
   *
   * @param host A name, an address or a pattern; `*` alone is every host.
   * @param port As the tool has it; `*` for any.
   * @returns `undefined`, and says so, where there is no such pattern here.
   */
  hostOf(tool: string, host: string, port: string | undefined): string | undefined {
    const suffix = port === undefined || port === '' || port === '443' ? '' : `:${port}`;
    const name = host.toLowerCase();
    const shown = `${name}${suffix}`;
    if (name === '*') {
      if (port !== undefined && port !== '' && port !== '*')
        this.leave(`port ${port} of *`, 'a certificate for every host goes to every port');
      return '*';
    }
    if (/[{}$<>]/.test(name)) {
      this.leave(shown, `it is put together when ${tool} runs: write the host under hosts`);
      return undefined;
    }
    if (/^\*\.[^*?[\]!()|+@]+$/.test(name)) {
      this.leave(
        `${shown} below the first label`,
        `in ${tool} the star stands for any number of labels, here for one`,
      );
      return shown;
    }
    if (/[*?!()|+@\s]/.test(name) || name === '') {
      this.leave(shown, 'a star stands alone here, as the first label');
      return undefined;
    }
    return name.includes(':') && !name.startsWith('[') ? `[${name}]${suffix}` : shown;
  }

  /** A proxy, without whoever logs in to it. */
  takeProxy(value: string): void {
    const url = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
    const { protocol, host, username, password } = URL.canParse(url)
      ? new URL(url)
      : { protocol: '', host: '', username: '', password: '' };
    if (!/^https?:$/.test(protocol) || host === '') {
      this.leave('the proxy', 'only http: and https: proxies are used here');
      return;
    }
    const proxy = `${protocol}//${host}`;
    if (this.options.proxy !== undefined && this.options.proxy !== proxy) {
      this.leave(`the proxy ${host}`, 'a config has one proxy, and an earlier one is it');
      return;
    }
    this.options.proxy = proxy;
    if (username !== '' || password !== '')
      this.leave(
        'user and password of the proxy',
        'write proxy: { url, authorization: { "env": … } }, which is the value of Proxy-Authorization',
      );
  }
}

/** The name of the environment variable for a certificate's passphrase, for its key, or for the PIN of its token. */
export function variableOf(
  name: string,
  what: 'PASSPHRASE' | 'KEY' | 'KEY_PASSPHRASE' | 'PIN' = 'PASSPHRASE',
): string {
  return `${name
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^(?=\d)/, '_')}_${what}`;
}
