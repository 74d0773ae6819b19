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

  /** Every word that is written in what is new. */
  words(): Set<string> {
    return new Set(this.#edits.flatMap(({ text }) => wordsIn(text)));
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

  /** Whether nothing is left of what stands somewhere, as far as changes are known now. */
  removal(): (range: Range) => boolean {
    const removed = this.inOrder().filter(({ start, end }) => end > start);
    return ({ start, end }) => {
      let [low, high] = [0, removed.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (removed[middle]!.end < end) low = middle + 1;
        else high = middle;
      }
      const found = removed[low];
      return found !== undefined && found.start <= start && end <= found.end;
    };
  }

  /** In the order of the text; what lies within a longer change is part of it. */
  inOrder(): readonly Edit[] {
    const length = ({ start, end }: Edit) => end - start;
    const sorted = this.#edits
      .map((edit, index) => ({ edit, index }))
      .sort(({ edit: one, index }, { edit: other, index: second }) => {
        if (one.start !== other.start) return one.start - other.start;
        // What is inserted where something is taken away stands before it.
        if ((length(one) === 0) !== (length(other) === 0)) return length(one) === 0 ? -1 : 1;
        return length(other) - length(one) || index - second;
      });
    const kept: Edit[] = [];
    let around: Edit | undefined;
    for (const { edit } of sorted) {
      const isInsertion = length(edit) === 0;
      const isWithin =
        around !== undefined &&
        (isInsertion ? around.start < edit.start && edit.start < around.end : edit.end <= around.end);
      const isOther = around?.start === edit.start && around.end === edit.end && around.text !== edit.text;
      if (isWithin && !isOther) continue;
      kept.push(edit);
      if (!isInsertion) around = edit;
    }
    return kept;
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

/** The names that a text may hold. */
export function wordsIn(text: string): string[] {
  return text.split(/[^\p{L}\p{N}_$]+/u);
}
