import { Roster } from '../../shared/roster';
import type { Reply } from '../front/reply';

/** Messages that wait for the agent to open a stream. The oldest go first. */
const MAX_QUEUED = 256;

/** The ways on which something can be said to an agent that did not ask for it: its stream, and the answers to its calls under way. */
export class Outbox {
  readonly #open = new Roster<Reply>();
  #stream: Reply | undefined;
  #queue: string[] = [];

  /** Makes a reply the stream, until the agent closes it or opens another one. Settles then. */
  listen(reply: Reply): Promise<void> {
    this.#stream?.end();
    this.#stream = reply;
    reply.stream();
    for (const text of this.#queue.splice(0)) reply.event(text);
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
    else if (this.#queue.push(text) > MAX_QUEUED) this.#queue.shift();
  }

  /** Ends the stream. */
  end(): void {
    this.#stream?.end();
    this.#queue = [];
  }
}
