import { isIP } from 'node:net';
import { workingDirectory } from '../config/here.ts';
import { ClientCertificateError } from '../errors.ts';
import { handedOver } from '../load/handed-over.ts';
import { snapshot } from '../own.ts';
import { quote } from '../quote.ts';
import type { CaMaterial } from '../types.ts';
import type { RenewingOptions } from './renewing.ts';
import { type KeyType, keyTypes } from './request.ts';
import { isSecret, placed, type Secret } from './secret.ts';

/** What is checked of options that a user wrote. Each answers with what it was given, or throws ERR_CLIENTCERT_CONFIG_INVALID. */
export class OptionCheck {
  readonly #caller: string;

  /** @param caller The function that was called with them, as messages say it. */
  constructor(caller: string) {
    this.#caller = caller;
  }

  invalid(message: string, hint?: string): ClientCertificateError {
    return new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', `${this.#caller}: ${message}`, {
      hint,
    });
  }

  /** A copy that inherits nothing, each option read once. */
  known<Options extends object>(given: Options, known: readonly string[], place = ''): Options {
    if (typeof given !== 'object' || given === null)
      throw this.invalid(
        `${place || 'what it was called with'} is not an object`,
        `Write { ${known.slice(0, 2).join(', ')}, … }.`,
      );
    const options = handedOver(snapshot(given));
    // The function itself, where a source belongs, is called as a source is.
    if (place === '' && (options as { signal?: unknown }).signal instanceof AbortSignal)
      throw this.invalid(
        'it stands in the config itself, and is to be called there',
        `Write ${this.#caller.replace('()', '({ … })')}: what it returns is the source.`,
      );
    for (const name of Object.keys(options)) {
      if (!known.includes(name))
        throw this.invalid(
          `${place ? `${place} has` : 'there is'} no option ${quote(name, 'option')}`,
          `Known are: ${known.join(', ')}.`,
        );
    }
    return options;
  }

  text(value: unknown, name: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (typeof value !== 'string' || value === '' || value.length > 1000 || /[\0-\x1f\x7f]/.test(value))
      throw this.invalid(`${name} is not a text`, `Write ${name}; what it is computed from may be missing.`);
    return value;
  }

  /** Alternative names. */
  names(value: unknown): readonly string[] {
    if (!Array.isArray(value)) throw this.invalid('names is not a list');
    for (const name of value) {
      if (isIP(this.text(name, 'a name')) === 0 && !/^[\x21-\x7e]+$/.test(name))
        throw this.invalid(
          'a name is not ASCII without blanks',
          'Write an international host name in its xn-- form.',
        );
    }
    return [...value];
  }

  keyType(value: KeyType): KeyType {
    if (keyTypes.includes(value)) return value;
    throw this.invalid('keyType is unknown', `Known are: ${keyTypes.join(', ')}.`);
  }

  secret(value: unknown, name: string): Secret {
    if (value === undefined || value === '')
      throw this.invalid(
        `${name} is not written`,
        'A value that comes from an environment variable may be unset.',
      );
    if (isSecret(value)) return placed(value);
    throw this.invalid(
      `${name} is neither a text, { env }, { file } nor a function`,
      "Write { file: '/run/secrets/…' }, for example.",
    );
  }

  /** Where an authority is: scheme, host and port, and perhaps a path. */
  address(value: string | URL | undefined, example: string, missing = `Write it as '${example}'.`): URL {
    if (value === undefined || value === '') throw this.invalid('no address is written', missing);
    const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined;
    if (!url) throw this.invalid('the address is no URL', `Write it as '${example}'.`);
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
      throw this.invalid(
        'the address holds more than scheme, host, port and path',
        'Who asks is said by other options.',
      );
    return url;
  }

  /** The same where plain http: is never right. */
  secureAddress(value: string | URL | undefined, example: string): URL {
    const url = this.address(value, example);
    if (url.protocol === 'https:') return url;
    throw this.invalid(
      'the address is not https:',
      `Write it as '${example}'. Whom one trusts is asked over TLS alone.`,
    );
  }

  trust(value: unknown): 'only' | undefined {
    if (value === undefined || value === 'only') return value;
    throw this.invalid('trust is something else than "only"', 'Write it, or leave it out.');
  }

  /** What paths in the options are relative to, wherever the process goes later. */
  directory(): string | undefined {
    return workingDirectory();
  }

  /** Roots of the authority's own server; what they are is seen when they are read. */
  ca(value: CaMaterial | readonly CaMaterial[] | undefined): CaMaterial | readonly CaMaterial[] | undefined {
    if (Array.isArray(value)) return [...value];
    if (value === undefined || (typeof value === 'string' ? value !== '' : typeof value === 'object'))
      return value;
    throw this.invalid('ca is not written', 'A value that comes from an environment variable may be unset.');
  }

  /** Seconds of a duration, written as a number of them or as in `'72h'`. */
  duration(value: number | string, name: string): number {
    const seconds = secondsOf(value);
    if (seconds !== undefined && seconds > 0) return seconds;
    throw this.invalid(`${name} is no duration`, "Write seconds, or a duration such as '72h' or '1h30m'.");
  }

  /** What every source that renews takes. */
  renewing({ files, onRenewed }: RenewingOptions): RenewingOptions {
    if (onRenewed !== undefined && typeof onRenewed !== 'function')
      throw this.invalid('onRenewed is no function');
    if (files === undefined) return { onRenewed };
    const { cert, key, passphrase } = this.known(files, ['cert', 'key', 'passphrase'], 'files');
    for (const [name, path] of Object.entries({ cert, key })) {
      if (path instanceof URL ? path.protocol !== 'file:' : path !== undefined || name === 'cert')
        this.text(path, `files.${name}`);
    }
    const secret = passphrase === undefined ? undefined : this.secret(passphrase, 'files.passphrase');
    return { files: { cert, key, passphrase: secret }, onRenewed };
  }
}

/** The seconds of a duration; `undefined` where it is none. */
export function secondsOf(duration: number | string): number | undefined {
  if (typeof duration === 'number') return Number.isFinite(duration) ? duration : undefined;
  if (/^\d+$/.test(duration)) return Number(duration);
  if (!/^(?:\d+(?:\.\d+)?[dhms])+$/.test(duration)) return undefined;
  const units: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };
  return [...duration.matchAll(/([\d.]+)([dhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * units[unit!]!,
    0,
  );
}
