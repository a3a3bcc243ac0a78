import { objectAt, stringAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';

/** Subscriptions that are remembered at most: an agent can make any number of them. */
const MAX_SUBSCRIPTIONS = 1_000;

/** What can change behind a session, by the name of the server's capability. */
const LISTS = ['tools', 'resources', 'prompts'] as const;

/**
 * What an agent has set in a session and a new connection to the server must be told again: the handshake, the level of
 * the log, the subscriptions.
 */
export class SessionMemory {
  #initialize: Request | undefined;
  #initialized: Message | undefined;
  #capabilities: Readonly<Record<string, unknown>> | undefined;
  #level: Request | undefined;
  readonly #subscriptions = new Map<string, Request>();

  readonly #handshake: boolean;

  /** @param handshake whether there is one. */
  constructor(handshake = true) {
    this.#handshake = handshake;
  }

  /** Whether a server has accepted the handshake, if there is one. */
  get began(): boolean {
    return !this.#handshake || this.#capabilities !== undefined;
  }

  /** Whether the agent waits for news of the server. */
  get subscribed(): boolean {
    return this.#subscriptions.size > 0;
  }

  /** The agent's handshake, once it was accepted. */
  get initialize(): Request | undefined {
    return this.began ? this.#initialize : undefined;
  }

  /** The agent's last word of the handshake, if it came. */
  get initialized(): Message | undefined {
    return this.#initialized;
  }

  /** What the agent has set since the handshake. */
  get settings(): readonly Request[] {
    return [...(this.#level === undefined ? [] : [this.#level]), ...this.#subscriptions.values()];
  }

  /** The agent has sent a notification. */
  notified(message: Message): void {
    if (message.method === 'notifications/initialized') this.#initialized = message;
  }

  /** The server has accepted a request of the agent. */
  accepted(request: Request, answer: Message): void {
    const uri = stringAt(request.params, 'uri');
    if (request.method === 'initialize') {
      this.#initialize = request;
      this.#initialized = undefined;
      this.#capabilities = objectAt(answer.result, 'capabilities') ?? {};
    } else if (request.method === 'logging/setLevel') this.#level = request;
    else if (uri === undefined) return;
    else if (request.method === 'resources/unsubscribe') this.#subscriptions.delete(uri);
    else if (request.method === 'resources/subscribe' && this.#subscriptions.size < MAX_SUBSCRIPTIONS)
      this.#subscriptions.set(uri, request);
  }

  /** The notifications that tell the agent to look again, as far as the server has said that it sends them: JSON texts. */
  changes(): string[] {
    return LISTS.filter((list) => objectAt(this.#capabilities, list)?.listChanged === true).map((list) =>
      JSON.stringify({ jsonrpc: '2.0', method: `notifications/${list}/list_changed` }),
    );
  }
}
