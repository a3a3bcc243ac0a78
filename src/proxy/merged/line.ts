import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Roster } from '../../shared/roster';
import type { Reply } from '../front/reply';
import type { Sessions } from '../front/sessions';
import { InnerReply } from '../innerReply';
import { stringAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import type { Asked, Relay } from '../relay';
import { eachMessage, Exchange } from './exchange';
import type { Heard, Listener, Outer } from './exchange';

/** Headers of an agent that belong to its request, whoever works on it. */
const FORWARDED = ['traceparent', 'tracestate', 'baggage', 'last-event-id'] as const;

/** How often a stream is taken up again that brings nothing new, and how long after its end. */
const MAX_RESUMPTIONS = 20;
const RESUME_MS = 500;

/** What a line needs of the rest. */
export interface LineOptions {
  readonly relay: Pick<Relay, 'post' | 'listen' | 'close'>;
  readonly sessions: Sessions;
}

/**
 * One conversation with one server, in the agent's name: each message goes through the relay as if the agent had sent it
 * to this server alone, and so passes approval, injection, redaction and audit like any other.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #agent: string;
  readonly #server: string;
  #session: string | undefined;
  #version: string | undefined;
  readonly #open = new Roster<InnerReply>();

  constructor(agent: string, server: string, options: LineOptions) {
    this.#agent = agent;
    this.#server = server;
    this.#options = options;
  }

  /** The handshake. Later messages are in its session, and of the protocol version that the server chose. */
  async initialize(request: Request, listener: Listener): Promise<Heard | undefined> {
    const exchange = new Exchange(request.id, listener, undefined);
    const answer = await this.#answer(exchange, request);
    const version = stringAt(answer?.message.result, 'protocolVersion');
    this.#session = exchange.session;
    if (version !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(version)) this.#version = version;
    return answer;
  }

  /**
   * Sends a request.
   * @param outer what the agent asked: when it goes away, the request is broken off.
   * @returns the answer; `undefined` if there is none, because the request was cancelled or broken off.
   * @throws SecretsError `sessionUnknown` when the session is over, and then the server did not do anything; as `Relay.post`.
   */
  request(request: Request, listener: Listener, outer?: Outer): Promise<Heard | undefined> {
    return this.#answer(new Exchange(request.id, listener, outer), request, outer?.headers);
  }

  /** Sends a notification or an answer. @throws SecretsError as `Relay.post`. */
  async send(message: Message): Promise<void> {
    const reply = new InnerReply({ message: () => undefined, over: () => undefined });
    try {
      await this.#options.relay.post(this.#asked(reply), Buffer.from(JSON.stringify(message)));
    } finally {
      reply.end();
    }
  }

  /**
   * Opens the stream on which the server speaks unasked; settles when it is over.
   * @returns whether there was one. @throws SecretsError as `Relay.listen`.
   */
  async listen(listener: Listener): Promise<boolean> {
    let streamed = true;
    const reply = new InnerReply({
      message: (text) => {
        eachMessage(text, listener);
      },
      over: (status) => (streamed = status === undefined),
    });
    await this.#during(reply, this.#options.relay.listen(this.#asked(reply)));
    return streamed;
  }

  /** Ends the conversation: what is open is broken off, the session is closed. Never rejects. */
  async end(): Promise<void> {
    for (const reply of this.#open) reply.breakOff();
    if (this.#session === undefined) return;
    const { relay, sessions } = this.#options;
    try {
      await relay.close(sessions.get(this.#session, this.#agent, this.#server));
    } catch {
      // It was over already.
    }
  }

  /** The answer as soon as it is there, though its stream may go on. */
  async #answer(exchange: Exchange, request: Request, headers?: IncomingHttpHeaders): Promise<Heard | undefined> {
    return Promise.race([exchange.answer, this.#carry(exchange, request, headers)]);
  }

  /** Carries a request to its end. Settles without a value: when there is an answer, that was there before. */
  async #carry(exchange: Exchange, request: Request, headers: IncomingHttpHeaders = {}): Promise<undefined> {
    const { relay } = this.#options;
    const reply = exchange.reply();
    await this.#during(reply, relay.post(this.#asked(reply, headers), Buffer.from(JSON.stringify(request))));
    // A stream with ids may end before the answer: it is taken up again where it ended (2025-11-25, transports).
    for (let tries = 0; tries < MAX_RESUMPTIONS; tries += 1) {
      const from = exchange.lastEvent;
      if (from === undefined || !exchange.isWaiting) return;
      await sleep(RESUME_MS, undefined, { ref: false });
      const next = exchange.reply();
      await this.#during(next, relay.listen(this.#asked(next, { ...headers, 'last-event-id': from })));
      if (exchange.lastEvent !== from) tries = 0;
    }
  }

  async #during(reply: InnerReply, work: Promise<void>): Promise<void> {
    const leave = this.#open.add(reply);
    try {
      await work;
    } finally {
      leave();
      reply.end();
    }
  }

  #asked(reply: Reply, outer: IncomingHttpHeaders = {}): Asked {
    return {
      agent: this.#agent,
      server: this.#server,
      headers: {
        ...Object.fromEntries(FORWARDED.flatMap((name) => (outer[name] === undefined ? [] : [[name, outer[name]]]))),
        accept: 'application/json, text/event-stream',
        ...(this.#session === undefined ? {} : { 'mcp-session-id': this.#session }),
        ...(this.#version === undefined ? {} : { 'mcp-protocol-version': this.#version }),
      },
      reply,
    };
  }
}
