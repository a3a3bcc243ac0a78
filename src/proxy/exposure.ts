import type { Injection } from './injector';
import type { Redactor } from './interceptors/redactor';

/**
 * The values that an upstream was given while it can still speak: all of them are looked for in what it says,
 * also when a secret got a new value in between.
 */
export class Exposure {
  #redactor: Redactor;
  /** What was added last: most calls are given the same. */
  #latest: Redactor;

  constructor({ redactor }: Injection) {
    this.#redactor = redactor;
    this.#latest = redactor;
  }

  /** Finds every value given so far. */
  get redactor(): Redactor {
    return this.#redactor;
  }

  /** Remembers what the upstream was given now. */
  add({ redactor }: Injection): void {
    if (redactor === this.#latest) return;
    this.#latest = redactor;
    this.#redactor = this.#redactor.with(redactor);
  }
}
