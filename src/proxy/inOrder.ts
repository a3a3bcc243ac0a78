/** Hands texts on in the order in which they came, also when some take their time. */
export class InOrder {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** @param use is called with the text at once, if nothing before it waits and it is there; never if it fails. */
  push(text: string | Promise<string>, use: (text: string) => void): void {
    if (this.#waiting === 0 && typeof text === 'string') {
      use(text);
      return;
    }
    this.#waiting += 1;
    this.#last = Promise.all([text, this.#last])
      .then(([ready]) => {
        use(ready);
      })
      .catch(() => undefined)
      .finally(() => {
        this.#waiting -= 1;
      });
  }
}
