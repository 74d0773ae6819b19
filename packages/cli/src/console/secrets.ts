import { show } from '@clientcert/core/adapter';
import { isRecord } from './input.ts';

/**
 * Keeps what nobody is shown. A config may have a passphrase or a key written into it, in its place or in a wrong one:
 * the page gets a mark instead, and where the mark comes back in the same place it is what it was.
 */
export class Secrets {
  readonly #held = new Map<string, { readonly place: string; readonly value: unknown }>();
  readonly #marks = new Map<string, string>();
  readonly #directory: string;

  /** @param directory What relative paths start at. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * The same without secrets.
   *
   * @param place Where in a config it stands: the name of its option; none for the config itself.
   */
  conceal(value: unknown, place = ''): unknown {
    if (typeof value === 'string') return this.#isShown(value, place) ? value : this.#markOf(value, place);
    // A PIN that somebody wrote without quotation marks.
    if (typeof value === 'number') return NUMBERS.has(place) ? value : this.#markOf(value, place);
    if (Array.isArray(value)) return value.map((each) => this.conceal(each, place));
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, held]) => [
        this.#isShown(key, NAME) ? key : this.#markOf(key, NAME),
        this.conceal(held, placeIn(place, key)),
      ]),
    );
  }

  /** With the secrets again, each in its own kind of place alone. */
  reveal(value: unknown, place = ''): unknown {
    if (typeof value === 'string') return this.#valueOf(value, place);
    if (Array.isArray(value)) return value.map((each) => this.reveal(each, place));
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, held]) => {
        const name = this.#valueOf(key, NAME) as string;
        return [name, this.reveal(held, placeIn(place, name))];
      }),
    );
  }

  #isShown(text: string, place: string): boolean {
    // What a person wrote like a mark would come back as what the mark stands for.
    if (MARK.test(text)) return false;
    // A URL in any spelling, or what was meant as one: a user, and perhaps a password.
    if ((place === 'proxy' || place === 'url') && text.includes('@')) return false;
    if (place === NAME && /^[^:]*:.*@/s.test(text)) return false;
    if (place === 'env') return show(text, 'variable') === text;
    if (PATHS.has(place) && !/^pkcs11:/i.test(text)) return show(text, 'path', this.#directory) === text;
    return (place === NAME || WORDS.has(place) || PATHS.has(place)) && show(text, 'chosen') === text;
  }

  #markOf(value: string | number, place: string): string {
    const key = `${place}\0${JSON.stringify(value)}`;
    const known = this.#marks.get(key);
    if (known !== undefined) return known;
    const mark = `(not shown: ${this.#held.size + 1})`;
    this.#held.set(mark, { place, value });
    this.#marks.set(key, mark);
    return mark;
  }

  #valueOf(text: string, place: string): unknown {
    const held = this.#held.get(text);
    return held?.place === place ? held.value : text;
  }
}

const NAME = 'a name';
const MARK = /^\(not shown: \d+\)$/;

/**
 * Under names of the user's own choice stand sources and rules, and under those of trust domains roots; a rule that is a
 * text names a certificate.
 */
function placeIn(place: string, key: string): string {
  if (place === 'bundles') return 'ca';
  if (place === 'hosts' || place === 'services') return 'certificate';
  return place === 'certificates' ? 'source' : key;
}

const PATHS = new Set(['pfx', 'cert', 'key', 'ca', 'dir', 'file', 'engine', '$schema']);
/** What is shown as it stands. All else may be a passphrase: that of an option that is spelt wrongly, too. */
const WORDS = new Set([
  ...['certificate', 'default', 'proxy', 'url', 'tls', 'min', 'max', 'trust', 'alias'],
  ...['servername', 'server', 'spki', 'hosts', 'expiryWarningDays', 'dangerouslyAcceptAnyServer'],
]);
/** Where a number is none of a passphrase or PIN. */
const NUMBERS = new Set(['maxIterations', 'refresh', 'pollInterval', 'settle', 'expiryWarningDays']);
