import type { Clock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import type { Call } from '../call';
import type { Reply } from '../front/reply';
import type { Session } from '../front/sessions';
import { cancelledBy, errorAnswer, isRequest, isResponse, objectAt, stringAt } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import type { Pipeline } from '../pipeline';
import { AgentStream } from '../front/agentStream';
import type { Post, Upstream, Visit } from '../visit';
import { ownCall } from './ask';
import { ChangeStream } from './changeStream';
import { LOG_LEVELS } from './era';
import { filterFor, subscriptionOf, toLegacyNotification, toLegacyResult } from './forLegacyAgent';
import type { Hello } from './forLegacyAgent';
import { Inputs } from './inputs';
import { ModernServer } from './modernServer';
import type { Conversation } from './modernServer';

/** Results that ask for more are answered this often at most, as in the SDK. */
const MAX_ROUNDS = 10;
/** How long to wait before asking again where there is nothing to answer. */
const PAUSE_MS = 250;
/** Resources that an agent can subscribe to. */
const MAX_SUBSCRIPTIONS = 1_000;

/** What the session of a legacy agent with a modern server needs of the rest. */
export interface LegacyAgentOptions {
  readonly upstream: Upstream;
  readonly pipeline: Pipeline;
  readonly clock: Clock;
}

/**
 * The session of a legacy agent with a modern server, which knows of no sessions: the handshake, `ping`, the level of the log and
 * the subscriptions are answered here, everything else goes on as requests that stand for themselves.
 */
export class LegacyAgent {
  readonly #options: LegacyAgentOptions;
  readonly #capabilities: Readonly<Record<string, unknown>>;
  readonly #server: ModernServer;
  readonly #inputs: Inputs;
  readonly #changes: ChangeStream;
  readonly #stream = new AgentStream();
  readonly #subscriptions = new Set<string>();
  #ended: SecretsError | undefined;
  /** The calls under way, by the agent's ids. */
  readonly #calls = new Map<RequestId, { readonly call: Call; readonly reply: Reply; cancel: () => void }>();

  /** @param initialized what the agent was answered to its handshake. @param session the server's, if there is one child per agent. */
  constructor(
    { agent, server }: Pick<Visit, 'agent' | 'server'>,
    hello: Hello,
    initialized: unknown,
    session: Session | undefined,
    options: LegacyAgentOptions,
  ) {
    this.#options = options;
    this.#capabilities = objectAt(initialized, 'capabilities') ?? {};
    this.#server = new ModernServer(options.upstream, agent, server, session, hello);
    this.#inputs = new Inputs(server.name, hello.capabilities);
    this.#changes = new ChangeStream(
      (filter) => {
        const request: Request = { jsonrpc: '2.0', id: 0, method: 'subscriptions/listen', params: { notifications: filter } };
        return this.#server.ask(request, ownCall(agent, this.#server.current, request.method, options.clock.steady()), (message) => {
          this.#changes.hear(message);
        });
      },
      (message) => {
        this.#stream.send(JSON.stringify(toLegacyNotification(message)));
      },
    );
  }

  /** What an agent posts in this session. Rejects where the relay shall answer: if there is no more than one request. */
  async post(post: Post): Promise<void> {
    this.#server.current = post.server;
    for (const message of post.messages) if (!isRequest(message)) await this.#note(message, post);
    if (post.calls.length === 0) {
      post.reply.empty(202);
      return;
    }
    const requests = post.messages.filter(isRequest);
    const answers = await Promise.all(post.calls.map((call, index) => this.#answer(call, requests[index], post)));
    const texts = answers.filter((text) => text !== undefined);
    if (post.reply.ended) return;
    if (post.reply.started) for (const text of texts) post.reply.event(text);
    else if (texts.length > 0) post.reply.json(texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(',')}]`);
    post.reply.end();
  }

  /** Makes a reply the stream on which the agent hears of changes. */
  async listen(visit: Visit): Promise<void> {
    this.#server.current = visit.server;
    const closed = this.#stream.open(visit.reply);
    void this.#hearChanges();
    await closed;
    void this.#hearChanges();
  }

  /** Ends it. Calls under way are answered with `why`. */
  close(why: SecretsError): void {
    this.#ended = why;
    this.#changes.close();
    this.#inputs.close(why);
    this.#stream.close();
    for (const { cancel } of this.#calls.values()) cancel();
  }

  /** Hears of changes as long as the agent can be told, or has subscribed to resources. */
  #hearChanges(): Promise<void> {
    const heard = this.#stream.reply !== undefined || this.#subscriptions.size > 0;
    return this.#changes.want(heard ? filterFor(this.#capabilities, this.#subscriptions) : undefined);
  }

  async #note(message: Message, post: Post): Promise<void> {
    if (isResponse(message)) {
      this.#inputs.answered(message);
      return;
    }
    const cancelled = cancelledBy(message);
    if (cancelled !== undefined) {
      const under = this.#calls.get(cancelled);
      if (under === undefined || !this.#options.pipeline.end(under.call, { outcome: 'error', errorKind: 'cancelled' })) return;
      under.cancel();
      // A cancelled call gets no answer (2025-11-25, cancellation).
      if (post.reply !== under.reply) under.reply.end();
    } else if (message.method !== undefined && !OWN_NOTIFICATIONS.has(message.method)) await this.#server.tell(message);
  }

  /** The text of the answer to one request; `undefined` if the agent does not want it any more. */
  async #answer(call: Call, request: Request | undefined, post: Post): Promise<string | undefined> {
    if (request === undefined) return undefined;
    try {
      const answer = await this.#answerTo(call, request, post);
      this.#options.pipeline.answered(call, answer);
      return JSON.stringify(answer);
    } catch (error) {
      if (post.reply.ended) {
        this.#options.pipeline.abandoned(call);
        return undefined;
      }
      const why = this.#ended ?? error;
      if (post.calls.length === 1) throw why;
      this.#options.pipeline.failed(call, why);
      return errorAnswer(call.id, why);
    }
  }

  async #answerTo(call: Call, request: Request, post: Post): Promise<Message> {
    const answer = (result: unknown): Message => ({ jsonrpc: '2.0', id: request.id, result });
    const refuse = (code: number, message: string): Message => ({ jsonrpc: '2.0', id: request.id, error: { code, message } });
    const uri = stringAt(request.params, 'uri');
    switch (request.method) {
      case 'initialize':
        return refuse(-32600, 'This session is initialized already.');
      case 'ping':
        return answer({});
      case 'logging/setLevel': {
        const level = stringAt(request.params, 'level') ?? '';
        if (!LOG_LEVELS.includes(level)) return refuse(-32602, 'There is no such log level.');
        this.#server.logLevel = level;
        return answer({});
      }
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        if (objectAt(this.#capabilities, 'resources')?.subscribe !== true) return refuse(-32601, 'Method not found');
        if (uri === undefined) return refuse(-32602, 'The "uri" is missing.');
        if (request.method === 'resources/unsubscribe') this.#subscriptions.delete(uri);
        else if (this.#subscriptions.size < MAX_SUBSCRIPTIONS) this.#subscriptions.add(uri);
        else return refuse(-32603, 'There are too many subscriptions.');
        await this.#hearChanges();
        return answer({});
      default:
        return this.#forward(call, request, post);
    }
  }

  /** Brings a request to the server, again and again as long as it requires input. */
  async #forward(call: Call, request: Request, post: Post): Promise<Message> {
    const conversation: Conversation = { call, request, visit: post, heard: (message, text) => this.#heard(message, text, post.reply) };
    const open = { call, reply: post.reply, cancel: (): void => undefined };
    this.#calls.set(request.id, open);
    post.reply.onAbandoned(() => {
      open.cancel();
    });
    post.reply.onClosed(() => {
      this.#inputs.abandon(post.reply);
    });
    try {
      let more: Readonly<Record<string, unknown>> = {};
      for (let round = 0; round <= MAX_ROUNDS; round += 1) {
        const asking = this.#server.call(conversation, more);
        open.cancel = (): void => {
          asking.cancel();
        };
        const { message } = await asking.answer;
        if (message.error !== undefined) return { ...message, id: request.id };
        const type = stringAt(message.result, 'resultType') ?? 'complete';
        if (type === 'complete') return { ...message, id: request.id, result: toLegacyResult(request.method, message.result) };
        if (type !== 'input_required') throw this.#error('its answer is of a kind that no agent of an earlier revision knows');
        open.cancel = (): void => undefined;
        more = await this.#inputsFor(message.result, post.reply);
      }
      throw this.#error(`it still asks for input after ${String(MAX_ROUNDS)} rounds`);
    } finally {
      if (this.#calls.get(request.id) === open) this.#calls.delete(request.id);
    }
  }

  /** The parameters with which a request is sent again. */
  async #inputsFor(result: unknown, reply: Reply): Promise<Readonly<Record<string, unknown>>> {
    const requestState = stringAt(result, 'requestState');
    const asked = Object.keys(objectAt(result, 'inputRequests') ?? {}).length > 0;
    if (!asked && requestState === undefined) throw this.#error('it asks for input and does not say for which');
    if (!asked) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const inputResponses = asked ? await this.#inputs.collect(result, reply) : undefined;
    return { ...(inputResponses === undefined ? {} : { inputResponses }), ...(requestState === undefined ? {} : { requestState }) };
  }

  /** What the server says before its answer: about this call, or (on stdio, where all share one channel) about a subscription. */
  #heard(message: Message, text: string, reply: Reply): void {
    // A request of the server: there are none in this era.
    if (isRequest(message)) return;
    if (subscriptionOf(message) !== undefined) this.#changes.hear(message);
    else if (!reply.ended) reply.event(text);
  }

  #error(what: string): SecretsError {
    return new SecretsError('notBridged', { server: this.#server.name, what });
  }
}

/** Notifications of a legacy agent that mean nothing to a modern server. */
const OWN_NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/initialized', 'notifications/roots/list_changed', 'notifications/progress', 'notifications/cancelled',
]); // prettier-ignore
