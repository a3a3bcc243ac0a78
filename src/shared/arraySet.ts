/**
 * A set for what comes and goes with every call, in the order in which it came. It is an array, because a `Set` leaves tables behind as it
 * is tidied up, each of which points to the next: once a full collection of garbage has made one of them old, V8 keeps all later ones, and
 * whatever was in them, until the next full one. Looking for a member takes time in proportion to how many there are.
 */
export class ArraySet<T> implements Iterable<T> {
  readonly #items: T[] = [];

  /** How many there are. */
  get size(): number {
    return this.#items.length;
  }

  /** Adds one that is not in it. */
  add(item: T): void {
    this.#items.push(item);
  }

  /** Takes one out; false if it was not in it. */
  delete(item: T): boolean {
    // What came last is most likely to go next.
    const at = this.#items.lastIndexOf(item);
    if (at >= 0) this.#items.splice(at, 1);
    return at >= 0;
  }

  /** The first one for which this holds. */
  find(holds: (item: T) => boolean): T | undefined {
    return this.#items.find(holds);
  }

  /** Those that are in it at the beginning, without those that are taken out meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const item of [...this.#items]) if (this.#items.includes(item)) yield item;
  }
}
