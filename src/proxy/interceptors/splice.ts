import type { Steps } from '../../shared/steps';
import { isEscaped } from '../../shared/jsonText';

/** A stretch of text that goes, and the mark that takes its place. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly mark: string;
}

/** A stretch as it was found, before it is clear what it means there. */
export interface Found extends Stretch {
  /** Found without resolving a JSON escape. */
  readonly raw: boolean;
  /** A short value, found as a whole word. */
  readonly word: boolean;
}

/** Stretches that go, in order. Those that overlap become one, with the mark of the one that begins first. */
export class Cuts {
  readonly #cuts: Stretch[] = [];

  get isEmpty(): boolean {
    return this.#cuts.length === 0;
  }

  /** Takes in stretches of text that come, on the whole, in order. */
  add(stretches: readonly Stretch[]): void {
    for (const stretch of stretches.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
      const later: Stretch[] = [];
      let cut = stretch;
      for (let last = this.#cuts.at(-1); last !== undefined && last.end > cut.start; last = this.#cuts.at(-1)) {
        this.#cuts.pop();
        if (last.start >= cut.end) later.push(last);
        else
          cut = {
            start: Math.min(last.start, cut.start),
            end: Math.max(last.end, cut.end),
            mark: last.start <= cut.start ? last.mark : cut.mark,
          };
      }
      this.#cuts.push(cut, ...later.reverse());
    }
  }

  /** The text with marks in place of the stretches. */
  *apply(text: string): Steps<string> {
    const parts: string[] = [];
    let done = 0;
    for (const { start, end, mark } of this.#cuts) {
      parts.push(text.slice(done, start), mark);
      done = end;
      if (parts.length % 8_192 === 0) yield;
    }
    parts.push(text.slice(done));
    yield;
    return parts.join('');
  }
}

/**
 * What may be cut out of JSON text, so that it stays JSON: inside of a string as it is; outside, with the number around it, for
 * a string. Numbers that are no more than a short value stay: ids and counts look like that.
 * @param strings those that the stretches touch.
 * @param escapes whether there are escapes where it was searched: then `n` may not be an n, and what is really there is found
 * with them resolved.
 */
export function inJson(found: readonly Found[], strings: JsonStrings, escapes: boolean): Stretch[] {
  return found.flatMap((stretch) => {
    const first = strings.at(stretch.start);
    const last = strings.at(stretch.end - 1);
    if (first !== undefined && first === last) return stretch.raw && escapes ? [] : [stretch];
    if (stretch.word) return [];
    const start = first === undefined ? strings.numberAt(stretch.start).start : stretch.start;
    const end = last === undefined ? strings.numberAt(stretch.end - 1).end : stretch.end;
    return [{ start, end, mark: `${first === undefined ? '"' : ''}${stretch.mark}${last === undefined ? '"' : ''}` }];
  });
}

/** Where the strings of a JSON text are, for a part of it at a time, from its beginning to its end. */
export class JsonStrings {
  readonly #text: string;
  /** Where the contents of the strings known now begin, and where they end. */
  #starts: number[] = [];
  #ends: number[] = [];
  /** Where the next string may open. */
  #next = 0;
  /** The number that was asked for last: one of a million digits may be asked for as often. */
  #number = { start: 0, end: 0 };

  constructor(text: string) {
    this.#text = text;
  }

  /** Looks at the text up to `to`, and forgets strings that end before `from`. */
  *advance(from: number, to: number): Steps<void> {
    const gone = lastUpTo(this.#ends, from - 1) + 1;
    this.#starts = this.#starts.slice(gone);
    this.#ends = this.#ends.slice(gone);
    const text = this.#text;
    let hops = 0;
    while (this.#next < to) {
      const open = text.indexOf('"', this.#next);
      if (open < 0) {
        this.#next = text.length;
        return;
      }
      let close = text.indexOf('"', open + 1);
      while (close >= 0 && isEscaped(text, close)) {
        close = text.indexOf('"', close + 1);
        if ((hops += 1) % 4_096 === 0) yield;
      }
      const end = close < 0 ? text.length : close;
      if (end >= from) {
        this.#starts.push(open + 1);
        this.#ends.push(end);
      }
      this.#next = end + 1;
      if ((hops += 1) % 4_096 === 0) yield;
    }
  }

  /** Where the string begins that a place is in; `undefined` if it is in none. */
  at(index: number): number | undefined {
    const found = lastUpTo(this.#starts, index);
    return found >= 0 && index < (this.#ends[found] ?? 0) ? this.#starts[found] : undefined;
  }

  /** The number that a place outside of strings is in; just this place if it is in none. */
  numberAt(index: number): { readonly start: number; readonly end: number } {
    if (index < this.#number.start || index >= this.#number.end) {
      let start = index;
      let end = index + 1;
      while (IN_NUMBER.test(this.#text.charAt(start - 1))) start -= 1;
      while (IN_NUMBER.test(this.#text.charAt(end))) end += 1;
      this.#number = { start, end };
    }
    return this.#number;
  }
}

const IN_NUMBER = /[\d.eE+-]/;

/** The index of the last number that is not greater than `limit`, in a sorted list; -1 if there is none. */
export function lastUpTo(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
