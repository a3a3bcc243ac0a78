import type { Reply } from '../front/reply';

/** Messages that wait for the agent to open a stream. The oldest go first. */
const MAX_QUEUED = 256;
/** And so many characters of them. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** What a server says unasked, on its way to the agent: on the stream that the agent has opened, or kept until it opens one. */
export class Outbox {
  #stream: Reply | undefined;
  #queue: string[] = [];
  #characters = 0;

  /** The open stream. */
  get stream(): Reply | undefined {
    return this.#stream;
  }

  /** Makes a reply the stream, until the agent closes it or opens another one. */
  open(reply: Reply): Promise<void> {
    this.#stream?.end();
    this.#stream = reply;
    reply.stream();
    for (const text of this.#queue.splice(0)) reply.event(text);
    this.#characters = 0;
    return new Promise((resolve) => {
      reply.onClosed(() => {
        if (this.#stream === reply) this.#stream = undefined;
        resolve();
      });
    });
  }

  /** Sends a message, or keeps it. */
  send(text: string): void {
    if (this.#stream?.ended === false) this.#stream.event(text);
    else this.#keep(text);
  }

  /** As `send`, for news that need to be told once, however often they happen. */
  sendOnce(text: string): void {
    if (!this.#queue.includes(text)) this.send(text);
  }

  /** Ends the stream. */
  close(): void {
    this.#stream?.end();
    this.#queue = [];
    this.#characters = 0;
  }

  #keep(text: string): void {
    this.#queue.push(text);
    this.#characters += text.length;
    while (this.#queue.length > MAX_QUEUED || this.#characters > MAX_CHARACTERS) this.#characters -= this.#queue.shift()?.length ?? 0;
  }
}
