/** Why a pause can end early. Each is remembered until a pause has ended by it: `close` for ever. */
type Cause = 'news' | 'close';

/** A sleep that can be ended. For one sleeper. */
export class Pause {
  readonly #causes = new Set<Cause>();
  #sleeper: { readonly ends: readonly Cause[]; readonly end: (cause: Cause) => void } | undefined;

  /** Ends the pause that waits for this, or the next one that does. */
  wake(cause: Cause): void {
    this.#causes.add(cause);
    if (this.#sleeper?.ends.includes(cause) === true) this.#sleeper.end(cause);
  }

  /** Waits for one of these, at most so many ms. Returns which it was. Does not keep the process from ending. */
  async take(ends: readonly Cause[], ms: number): Promise<Cause | undefined> {
    const known = ends.find((cause) => this.#causes.has(cause));
    const cause = known ?? (await this.#sleep(ends, ms));
    if (cause === 'news') this.#causes.delete('news');
    return cause;
  }

  #sleep(ends: readonly Cause[], ms: number): Promise<Cause | undefined> {
    return new Promise((resolve) => {
      const end = (cause?: Cause): void => {
        clearTimeout(timer);
        this.#sleeper = undefined;
        resolve(cause);
      };
      const timer = setTimeout(end, ms).unref();
      this.#sleeper = { ends, end };
    });
  }
}
