/** Hands items on in the order in which they came, also when some take their time. */
export class InOrder {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** @param use is called with the item at once, if nothing before it waits and it is there; never if it fails. */
  push<T>(item: T | Promise<T>, use: (item: T) => void): void {
    if (this.#waiting === 0 && !(item instanceof Promise)) {
      use(item);
      return;
    }
    this.#waiting += 1;
    this.#last = Promise.all([item, this.#last])
      .then(([ready]) => {
        use(ready);
      })
      .catch(() => undefined)
      .finally(() => {
        this.#waiting -= 1;
      });
  }
}
