/** Something that holds a resource and lets go of it once, at `dispose`. Shaped like VS Code's own. */
export interface Disposable {
  dispose(): void;
}

/** A place to listen. Returns the means to stop listening. Shaped like VS Code's `Event`. */
export type Event<T> = (listener: (value: T) => unknown) => Disposable;

/** Calls its listeners in the order in which they came. A listener that throws does not stop the others. */
export class Emitter<T> implements Disposable {
  readonly #listeners = new Set<(value: T) => unknown>();

  readonly event: Event<T> = (listener) => {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  };

  fire(value: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch {
        // One view's failure must not keep the others from hearing the news.
      }
    }
  }

  dispose(): void {
    this.#listeners.clear();
  }
}
