/** So many messages are kept. The oldest go first. */
const MAX_MESSAGES = 256;
/** And so many characters of them: each may be as large as a server may send at all. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** Messages that wait for the agent to open a stream. */
export class Unsent {
  #texts: string[] = [];
  #characters = 0;

  has(text: string): boolean {
    return this.#texts.includes(text);
  }

  /** Keeps a message, in place of the oldest ones where there are too many, or they are too large together. */
  keep(text: string): void {
    this.#texts.push(text);
    this.#characters += text.length;
    while (this.#texts.length > MAX_MESSAGES || this.#characters > MAX_CHARACTERS) this.#characters -= this.#texts.shift()?.length ?? 0;
  }

  /** What was kept, oldest first. It is kept no more. */
  take(): string[] {
    this.#characters = 0;
    return this.#texts.splice(0);
  }
}
