import type { Reply } from './reply';
import { Unsent } from './unsent';

/** The way of what is said unasked to an agent: on the stream that the agent has opened, or kept until it opens one. */
export class AgentStream {
  #reply: Reply | undefined;
  readonly #unsent = new Unsent();

  /** What it is written to; `undefined` if the agent has none open. */
  get reply(): Reply | undefined {
    return this.#reply;
  }

  /** Makes a reply the stream, until the agent closes it or opens another one. Settles then. */
  open(reply: Reply): Promise<void> {
    this.#reply?.end();
    this.#reply = reply;
    reply.stream();
    for (const text of this.#unsent.take()) reply.event(text);
    return new Promise((resolve) => {
      reply.onClosed(() => {
        if (this.#reply === reply) this.#reply = undefined;
        resolve();
      });
    });
  }

  /** Sends a message, or keeps it. */
  send(text: string): void {
    if (this.#reply?.ended === false) this.#reply.event(text);
    else this.#unsent.keep(text);
  }

  /** As `send`, for news that need to be told once, however often they happen. */
  sendOnce(text: string): void {
    if (!this.#unsent.has(text)) this.send(text);
  }

  /** Ends the stream. */
  close(): void {
    this.#reply?.end();
    this.#unsent.take();
  }
}
