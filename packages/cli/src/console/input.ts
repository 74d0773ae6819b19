import { UsageError } from '../command.ts';

/** What the page sends, of which nothing is taken on trust. */
export class Input {
  readonly #held: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (!isRecord(value)) throw wrong('what was sent', 'an object');
    this.#held = value;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#held, name) ? this.#held[name] : undefined;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string') throw wrong(`"${name}"`, 'a text');
    return value;
  }

  /** `undefined` where there is none, or an empty one. */
  optionalText(name: string): string | undefined {
    return this.get(name) === undefined || this.get(name) === null ? undefined : this.text(name) || undefined;
  }

  list(name: string): readonly unknown[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw wrong(`"${name}"`, 'a list');
    return value;
  }

  number(name: string): number {
    const value = this.get(name);
    if (!Number.isSafeInteger(value)) throw wrong(`"${name}"`, 'a whole number');
    return value as number;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(what: string, kind: string): UsageError {
  return new UsageError(`${what} has to be ${kind}`);
}
