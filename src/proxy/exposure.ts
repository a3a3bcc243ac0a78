import type { Injection } from './injector';
import type { Redactor } from './interceptors/redactor';

/**
 * The values that an upstream was given while it can still speak: all of them are looked for in what it says,
 * also when a secret got a new value in between.
 */
export class Exposure {
  #redactor: Redactor;
  readonly #known = new Set<string>();

  constructor(injection: Injection) {
    this.#redactor = injection.redactor;
    this.add(injection);
  }

  /** Finds every value given so far. */
  get redactor(): Redactor {
    return this.#redactor;
  }

  /** Remembers what the upstream was given now. */
  add({ seals, redactor }: Injection): void {
    const before = this.#known.size;
    for (const [name, seal] of seals) this.#known.add(`${name} ${seal}`);
    if (this.#known.size > before && redactor !== this.#redactor) this.#redactor = this.#redactor.with(redactor);
  }
}
