import type { IncomingHttpHeaders } from 'node:http';
import type { Reply } from '../front/reply';
import { InnerReply } from '../innerReply';
import { isResponse, parseMessage } from '../jsonRpc';
import type { Message, RequestId } from '../jsonRpc';

/** A message of a server, parsed, and as it came. */
export interface Heard {
  readonly message: Message;
  readonly text: string;
}

/** Takes what a server says besides its answers. */
export type Listener = (heard: Heard) => void;

/** What the agent asked of all servers. */
export interface Outer {
  readonly headers: IncomingHttpHeaders;
  readonly reply: Reply;
  /** Whether the agent has cancelled it. */
  readonly cancelled?: () => boolean;
}

/** One request to a server and its answer, on whichever stream that comes. */
export class Exchange {
  /** The answer, as soon as it is there; never settles if there is none. */
  readonly answer: Promise<Heard>;
  /** The session that the server opened with the answer. */
  session: string | undefined;
  /** The last event of a stream that can be taken up again there. */
  lastEvent: string | undefined;
  readonly #id: RequestId;
  readonly #listener: Listener;
  readonly #outer: Outer | undefined;
  #resolve: (answer: Heard) => void = () => undefined;
  #answered = false;
  #reply: InnerReply | undefined;

  /** @param outer when the agent goes away that asked this, the request is broken off. */
  constructor(id: RequestId, listener: Listener, outer: Outer | undefined) {
    this.#id = id;
    this.#listener = listener;
    this.#outer = outer;
    this.answer = new Promise((resolve) => (this.#resolve = resolve));
    outer?.reply.onAbandoned(() => {
      this.#reply?.breakOff();
    });
  }

  /** Whether somebody still waits for an answer. */
  get isWaiting(): boolean {
    return !this.#answered && this.#reply?.abandoned !== true && this.#outer?.cancelled?.() !== true && this.#outer?.reply.ended !== true;
  }

  /** A reply for the request, or for the stream on which it goes on. */
  reply(): InnerReply {
    const reply: InnerReply = new InnerReply({
      message: (text) => {
        eachMessage(text, (heard) => {
          this.#take(heard, reply);
        });
      },
      eventId: (id) => (this.lastEvent = id),
      over: () => undefined,
    });
    this.#reply = reply;
    if (this.#outer?.reply.abandoned === true) reply.breakOff();
    return reply;
  }

  #take(heard: Heard, { headers }: InnerReply): void {
    if (!isResponse(heard.message)) this.#listener(heard);
    else if (heard.message.id === this.#id) {
      const session = headers['mcp-session-id'];
      if (typeof session === 'string') this.session = session;
      this.#answered = true;
      this.#resolve(heard);
    }
  }
}

/** Text of a server is one message, or a batch of them (2025-03-26). Anything else is nothing to anybody. */
export function eachMessage(text: string, use: (heard: Heard) => void): void {
  const message = parseMessage(text);
  if (message !== undefined) use({ message, text });
  else if (text.trimStart().startsWith('[')) {
    for (const part of partsOf(text)) {
      const single = parseMessage(part);
      if (single !== undefined) use({ message: single, text: part });
    }
  }
}

function partsOf(text: string): string[] {
  try {
    return (JSON.parse(text) as unknown[]).map((part) => JSON.stringify(part));
  } catch {
    return [];
  }
}
