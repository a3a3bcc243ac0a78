/** Counts what happens within a window of time, and says when it is too much. */
export class Burst {
  readonly #limit: number;
  readonly #windowMs: number;
  #seen: { readonly at: number; readonly count: number }[] = [];

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** @param at ms by a clock that nobody sets. @returns how many there were in the window up to now, if that is the limit or more. */
  add(at: number, count: number): number | undefined {
    this.#seen = [...this.#seen.filter((other) => at - other.at < this.#windowMs), { at, count }];
    const total = this.#seen.reduce((sum, other) => sum + other.count, 0);
    return total >= this.#limit ? total : undefined;
  }
}
