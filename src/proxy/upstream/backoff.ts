const FIRST_MS = 500;
/** After so many failures in a row nothing is tried any more without being asked. */
const MAX_FAILURES = 6;

/** How long to wait before something that failed is tried again by itself: longer each time. */
export class Backoff {
  #failures = 0;

  /** It failed. @returns ms until the next try; `undefined`: there is none. */
  failed(): number | undefined {
    this.#failures += 1;
    return this.#failures >= MAX_FAILURES ? undefined : FIRST_MS * 2 ** (this.#failures - 1);
  }

  worked(): void {
    this.#failures = 0;
  }
}
