/** Numbers that look random and follow from a seed, so that a failure can be had again (as far as the machine plays along). */
export class Seeded {
  readonly seed: number;
  #state: number;

  /** @param seed default: `MCP_SECRETS_TEST_SEED`, else another one each time. */
  constructor(seed = Number(process.env.MCP_SECRETS_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32))) {
    this.seed = seed;
    this.#state = seed;
  }

  /** From 0 to 1, without 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `count`, without `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** One of these. @throws RangeError if there is none. */
  pick<T>(all: readonly T[]): T {
    const [one] = all.slice(this.below(all.length));
    if (one === undefined) throw new RangeError('nothing to pick from');
    return one;
  }
}
