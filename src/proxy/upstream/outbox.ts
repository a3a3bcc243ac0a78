import type { Reply } from '../front/reply';
import { Unsent } from '../front/unsent';

/** What a server says unasked, on its way to the agent: on the stream that the agent has opened, or kept until it opens one. */
export class Outbox {
  #stream: Reply | undefined;
  readonly #unsent = new Unsent();

  /** The open stream. */
  get stream(): Reply | undefined {
    return this.#stream;
  }

  /** Makes a reply the stream, until the agent closes it or opens another one. */
  open(reply: Reply): Promise<void> {
    this.#stream?.end();
    this.#stream = reply;
    reply.stream();
    for (const text of this.#unsent.take()) reply.event(text);
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
    else this.#unsent.keep(text);
  }

  /** As `send`, for news that need to be told once, however often they happen. */
  sendOnce(text: string): void {
    if (!this.#unsent.has(text)) this.send(text);
  }

  /** Ends the stream. */
  close(): void {
    this.#stream?.end();
    this.#unsent.take();
  }
}
