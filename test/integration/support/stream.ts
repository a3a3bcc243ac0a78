import type { IncomingMessage } from 'node:http';
import { eventsOf } from './agent';
import type { Agent, Rpc } from './agent';
import { eventually } from './eventually';

/** An agent's GET stream: what a server says unasked. */
export class Stream {
  readonly response: IncomingMessage;
  #text = '';

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (chunk: string) => (this.#text += chunk));
    response.on('error', () => undefined);
  }

  /** Opens it. */
  static async open(agent: Agent, headers: Record<string, string> = {}): Promise<Stream> {
    return new Stream(await agent.open('GET', undefined, { accept: 'text/event-stream', ...headers }));
  }

  /** One that was opened otherwise. */
  static of(response: IncomingMessage): Stream {
    return new Stream(response);
  }

  /** Everything that came, as it came. */
  get text(): string {
    return this.#text;
  }

  /** Every whole message that came. */
  get messages(): Rpc[] {
    const whole = this.#text.slice(0, this.#text.lastIndexOf('\n\n') + 2);
    return eventsOf(whole).map((data) => JSON.parse(data) as Rpc);
  }

  /** Waits for a message. */
  next(what: string, matches: (message: Rpc) => boolean): Promise<Rpc> {
    return eventually(what, () => this.messages.find(matches));
  }

  /** Breaks it off. */
  close(): void {
    this.response.destroy();
  }
}
