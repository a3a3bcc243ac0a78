import { Roster } from '../../shared/roster';
import { AgentStream } from '../front/agentStream';
import type { Reply } from '../front/reply';

/** The ways on which something can be said to an agent that did not ask for it: its stream, and the answers to its calls under way. */
export class Outbox {
  readonly #open = new Roster<Reply>();
  readonly #stream = new AgentStream();

  /** As `AgentStream.open`. */
  listen(reply: Reply): Promise<void> {
    return this.#stream.open(reply);
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
    const way = [related, this.#stream.reply, ...this.#open].find((reply) => reply !== undefined && !reply.ended);
    if (way !== undefined) way.event(text);
    else this.#stream.send(text);
  }

  /** Ends the stream. */
  end(): void {
    this.#stream.close();
  }
}
