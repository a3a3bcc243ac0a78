import type { IncomingHttpHeaders } from 'node:http';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Call } from '../call';
import type { Reply } from '../front/reply';
import type { Session, Sessions } from '../front/sessions';
import { isRequest, objectAt, stringAt } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import type { Upstream, Visit } from '../visit';
import { ask, tell } from './ask';
import type { Asking, Heard, Target } from './ask';
import type { Envelope } from './era';
import { LOG_LEVELS } from './era';
import { discoverResult, initializeRequest, toLegacyRequest, toModernProgress } from './forModernAgent';
import { tracing } from './headers';

/** What holding a session with a legacy server needs of the rest. */
export interface LegacyServerOptions {
  readonly upstream: Upstream;
  readonly sessions: Sessions;
}

/** A call of a modern agent under way at a legacy server. */
interface Under {
  readonly request: Request;
  readonly envelope: Envelope;
  readonly reply: Reply;
  readonly fail: (error: SecretsError) => void;
}

const ACCEPT = { accept: 'application/json, text/event-stream' };

/** A session with a legacy server, held for one modern agent, which knows nothing of it. */
export class LegacyServer {
  readonly #options: LegacyServerOptions;
  readonly #agent: string;
  readonly #under = new Map<RequestId, Under>();
  #initialized: unknown;
  #session: Session | undefined;
  #requests = 0;
  #level: string | undefined;
  /** As the servers file has it now. */
  current: Server;
  /** Takes the news that belong to no call. */
  news: (message: Message) => void = () => undefined;

  private constructor({ agent, server }: Pick<Visit, 'agent' | 'server'>, session: Session | undefined, options: LegacyServerOptions) {
    this.#agent = agent;
    this.current = server;
    this.#session = session;
    this.#options = options;
  }

  /**
   * Shakes hands. @param session one without a handshake so far, if there is one.
   * @returns the server, or the answer with which it has refused. @throws SecretsError if there is no answer.
   */
  static async open(
    visit: Pick<Visit, 'agent' | 'server'>,
    envelope: Envelope,
    call: Call,
    session: Session | undefined,
    options: LegacyServerOptions,
  ): Promise<LegacyServer | Message> {
    const server = new LegacyServer(visit, session, options);
    const answer = await ask(server.#target(ACCEPT), initializeRequest(server.#nextId(), envelope), call).answer;
    if (answer.message.error !== undefined) return answer.message;
    if (answer.session !== undefined) server.#session = options.sessions.get(answer.session, visit.agent, visit.server.name);
    server.#initialized = answer.message.result;
    await server.#tell({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return server;
  }

  /** The session, if the server keeps any. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Whether the session is still there. */
  get isOpen(): boolean {
    return this.#session === undefined || this.#options.sessions.has(this.#session);
  }

  get capabilities(): Readonly<Record<string, unknown>> {
    return objectAt(this.#initialized, 'capabilities') ?? {};
  }

  get info(): unknown {
    return objectAt(this.#initialized, 'serverInfo');
  }

  /** What it says of itself, as the result of `server/discover`. */
  get discovered(): Readonly<Record<string, unknown>> {
    return discoverResult(this.#initialized);
  }

  /** Brings an agent's request to it. @returns its answer, untranslated. @throws SecretsError, also if it asks the agent something. */
  async call(visit: Visit, request: Request, envelope: Envelope, call: Call): Promise<Message> {
    await this.#setLevel(envelope, call);
    const id = this.#nextId();
    let asking: Asking | undefined;
    const cancel = (): void => {
      if (!this.#under.delete(id)) return;
      asking?.cancel();
      void this.#tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
    };
    visit.reply.onAbandoned(cancel);
    try {
      return await new Promise<Message>((resolve, reject) => {
        const fail = (error: SecretsError): void => {
          reject(error);
          cancel();
        };
        const under: Under = { request, envelope, reply: visit.reply, fail };
        this.#under.set(id, under);
        asking = this.#ask(toLegacyRequest(request, id), call, tracing(visit.headers), (message, text) => {
          this.#heard(message, text, under);
        });
        asking.answer.then(({ message }) => {
          resolve(message);
        }, reject);
      });
    } finally {
      this.#under.delete(id);
    }
  }

  /** Sends a request of our own. */
  async request(method: string, params: object, call: Call): Promise<Message> {
    return (await this.#ask({ jsonrpc: '2.0', id: this.#nextId(), method, params }, call).answer).message;
  }

  /** Opens the stream on which it speaks unasked. Settles when that is over; never rejects. */
  async listen(reply: Reply): Promise<void> {
    const { upstream, ...visit } = this.#target(this.#headers());
    await upstream.listen({ ...visit, reply }).catch(() => undefined);
  }

  /** Something that it said unasked. */
  unasked(message: Message, text: string): void {
    const calls = [...this.#under.values()];
    if (isRequest(message)) this.#refuse(message, calls.length === 1 ? calls[0] : undefined);
    else if (message.method === 'notifications/progress') {
      const token = objectAt(message, 'params')?.progressToken as RequestId | undefined;
      const under = token === undefined ? undefined : this.#under.get(token);
      if (under !== undefined) this.#heard(message, text, under);
    } else if (message.method === 'notifications/message') {
      const under = calls.find((call) => wants(call.envelope, message));
      if (under !== undefined) send(under.reply, text);
    } else this.news(message);
  }

  /** What it says during a call. On stdio it may belong to another one, or to none. */
  #heard(message: Message, text: string, under: Under): void {
    if (isRequest(message)) this.#refuse(message, under);
    else if (message.method === 'notifications/progress') {
      const token = objectAt(under.request.params, '_meta')?.progressToken;
      if (token !== undefined) send(under.reply, JSON.stringify(toModernProgress(message, token)));
    } else if (message.method === 'notifications/message') {
      if (wants(under.envelope, message)) send(under.reply, text);
    } else if (message.method !== undefined && NEWS.has(message.method)) this.news(message);
    else if (message.method !== 'notifications/cancelled' && message.method !== 'notifications/elicitation/complete')
      send(under.reply, text);
  }

  /**
   * Answers what it asks the agent. In the agent's era servers do not ask; an answer to the call could ask for the input, but then the
   * call would have to wait here for an agent that may never come back. So the call fails, and says why.
   */
  #refuse(asked: Request, under: Under | undefined): void {
    if (asked.method === 'ping') {
      void this.#tell({ jsonrpc: '2.0', id: asked.id, result: {} });
      return;
    }
    const needs = NEEDS.get(asked.method);
    const error = { code: needs === undefined ? -32601 : -32603, message: 'This client cannot be asked.' };
    void this.#tell({ jsonrpc: '2.0', id: asked.id, error });
    if (under === undefined || needs === undefined) return;
    const server = this.current.name;
    under.fail(
      objectAt(under.envelope.capabilities, needs) === undefined
        ? new SecretsError('capabilityMissing', { server, capability: needs })
        : new SecretsError('notBridged', {
            server,
            what: `it asks for ${needs} during a call, which agents of 2026-07-28 cannot be asked for`,
          }),
    );
  }

  /** A legacy server is told once for a session what a modern one is told with every request. */
  async #setLevel({ logLevel }: Envelope, call: Call): Promise<void> {
    if (logLevel === undefined || this.capabilities.logging === undefined || !LOG_LEVELS.includes(logLevel)) return;
    if (this.#level !== undefined && LOG_LEVELS.indexOf(this.#level) <= LOG_LEVELS.indexOf(logLevel)) return;
    this.#level = logLevel;
    await this.request('logging/setLevel', { level: logLevel }, call);
  }

  #ask(request: Request, call: Call, more: IncomingHttpHeaders = {}, heard?: Heard): Asking {
    return ask(this.#target(this.#headers(more)), request, call, heard);
  }

  #tell(message: Message): Promise<void> {
    return tell(this.#target(this.#headers()), message);
  }

  #headers(more: IncomingHttpHeaders = {}): IncomingHttpHeaders {
    const version = stringAt(this.#initialized, 'protocolVersion');
    return { ...more, ...ACCEPT, ...(version === undefined ? {} : { 'mcp-protocol-version': version }) };
  }

  #target(headers: IncomingHttpHeaders): Target {
    return { upstream: this.#options.upstream, agent: this.#agent, server: this.current, session: this.#session, headers };
  }

  #nextId(): string {
    this.#requests += 1;
    return `mcp-secrets/${String(this.#requests)}`;
  }
}

/** What a server may ask an agent, by the capability that it needs. */
const NEEDS: ReadonlyMap<string, string> = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);

/** News for subscriptions. */
const NEWS: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed', 'notifications/prompts/list_changed', 'notifications/resources/list_changed', 'notifications/resources/updated',
]); // prettier-ignore

/** Whether a request wants to hear a message of the log. */
function wants({ logLevel }: Envelope, { params }: Message): boolean {
  return logLevel !== undefined && LOG_LEVELS.indexOf(stringAt(params, 'level') ?? '') >= LOG_LEVELS.indexOf(logLevel);
}

function send(reply: Reply, json: string): void {
  if (!reply.ended) reply.event(json);
}
