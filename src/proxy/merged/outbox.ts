import { Roster } from '../../shared/roster';
import type { Reply } from '../front/reply';
import { Unsent } from '../front/unsent';

/** The ways on which something can be said to an agent that did not ask for it: its stream, and the answers to its calls under way. */
export class Outbox {
  readonly #open = new Roster<Reply>();
  #stream: Reply | undefined;
  readonly #unsent = new Unsent();

  /** Makes a reply the stream, until the agent closes it or opens another one. Settles then. */
  listen(reply: Reply): Promise<void> {
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

  /** Counts a reply as a way to the agent while its call is under way. */
  async during<T>(reply: Reply, call: Promise<T>): Promise<T> {
    const leave = this.#open.add(reply);
    try {
      return await call;
    } finally {
      leave();
    }
  }

  /** Says something. @param related the reply that it belongs to, if there is one. */
  say(text: string, related?: Reply): void {
    const way = [related, this.#stream, ...this.#open].find((reply) => reply !== undefined && !reply.ended);
    if (way !== undefined) way.event(text);
    else this.#unsent.keep(text);
  }

  /** Ends the stream. */
  end(): void {
    this.#stream?.end();
    this.#unsent.take();
  }
}
