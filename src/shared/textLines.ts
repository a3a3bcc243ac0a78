/** A place in a text, counted from 0; `character` in UTF-16 units, as editors have it. */
export interface LinePlace {
  readonly line: number;
  readonly character: number;
}

/** The lines of a text, for whoever asks for many places: each takes no longer than a search in a sorted list. */
export class TextLines {
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#starts = [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), (end) => end.index + end[0].length)];
  }

  /** Where an offset is, in UTF-16 units from the start of the text. */
  at(offset: number): LinePlace {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low, character: offset - (this.#starts[low] ?? 0) };
  }
}
