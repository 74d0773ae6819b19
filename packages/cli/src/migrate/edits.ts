/** A stretch of a text, from a position up to another. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

interface Edit extends Range {
  readonly text: string;
}

/** Changes of a text that leave alone what they are not about: how it is laid out, its comments, its line ends. */
export class Edits {
  readonly #edits: Edit[] = [];

  replace({ start, end }: Range, text: string): void {
    this.#edits.push({ start, end, text });
  }

  insert(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text });
  }

  get isEmpty(): boolean {
    return this.#edits.length === 0;
  }

  /** Before whatever else is inserted there. */
  insertFirst(at: number, text: string): void {
    this.#edits.unshift({ start: at, end: at, text });
  }

  /** Whether a name is written in what is new. */
  mention(name: string): boolean {
    return this.#edits.some(({ text }) => mentions(text, name));
  }

  /** The end of what is taken away around a place, else the place. */
  afterRemoval(at: number): number {
    return Math.max(
      at,
      ...this.#edits
        .filter(({ start, end, text }) => text === '' && start <= at && at < end)
        .map(({ end }) => end),
    );
  }

  /** Whether nothing is left of what stands there. */
  removes({ start, end }: Range): boolean {
    return this.#edits.some((edit) => edit.start <= start && end <= edit.end && edit.end > edit.start);
  }

  /** In the order of the text; what lies within a longer change is part of it. */
  inOrder(): readonly Edit[] {
    const whole = this.#edits.filter(
      (edit) =>
        !this.#edits.some(
          (other) =>
            other !== edit &&
            other.end - other.start > edit.end - edit.start &&
            (edit.start === edit.end
              ? other.start < edit.start && edit.end < other.end
              : other.start <= edit.start && edit.end <= other.end),
        ),
    );
    // What is inserted where something is taken away stands before it.
    return whole
      .map((edit, index) => ({ edit, index }))
      .sort((a, b) => a.edit.start - b.edit.start || a.edit.end - b.edit.end || a.index - b.index)
      .map(({ edit }) => edit)
      .filter((edit, index, all) => {
        const before = all[index - 1];
        return (
          !before ||
          edit.start !== before.start ||
          edit.end !== before.end ||
          edit.text !== before.text ||
          edit.start === edit.end
        );
      });
  }

  /** @throws Error where two changes are about the same characters: neither of them would be right. */
  apply(text: string): string {
    let result = '';
    let at = 0;
    for (const { start, end, text: put } of this.inOrder()) {
      if (start < at) throw new Error('two changes of one place');
      result += text.slice(at, start) + put;
      at = end;
    }
    return result + text.slice(at);
  }
}

/** Whether a name stands in a text as a word. */
export function mentions(text: string, name: string): boolean {
  return text.split(/[^\p{L}\p{N}_$]+/u).includes(name);
}
