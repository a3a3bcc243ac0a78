import type { Server } from '../../bindings/server';
import type { Call } from '../call';
import type { Session } from '../front/sessions';
import { numberAt, stringAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import type { Upstream, Visit } from '../visit';
import { ask, tell } from './ask';
import type { Answer, Asking, Heard, Target } from './ask';
import { toModernRequest } from './forLegacyAgent';
import type { Hello } from './forLegacyAgent';
import { standardHeaders, tracing } from './headers';
import { ToolHeaders } from './toolHeaders';

const HEADER_MISMATCH = -32020;
/** Pages of a list of tools that are read to find one. */
const MAX_PAGES = 50;

/** One request of an agent with everything that is sent for it. */
export interface Conversation {
  readonly call: Call;
  readonly request: Request;
  readonly visit: Visit;
  /** Takes what the server says before its answer. */
  readonly heard: Heard;
}

/** A modern server as a client of it sees it: says with every request who asks, and repeats in headers what has to be repeated there. */
export class ModernServer {
  readonly #upstream: Upstream;
  readonly #agent: string;
  readonly #session: Session | undefined;
  readonly #hello: Hello;
  readonly #tools = new ToolHeaders();
  #requests = 0;
  /** As the servers file has it now. */
  current: Server;
  /** What the agent wants to hear of the log. */
  logLevel: string | undefined;

  constructor(upstream: Upstream, agent: string, server: Server, session: Session | undefined, hello: Hello) {
    this.#upstream = upstream;
    this.#agent = agent;
    this.current = server;
    this.#session = session;
    this.#hello = hello;
  }

  get name(): string {
    return this.current.name;
  }

  /** Sends an agent's request. `more` are parameters besides the agent's own. */
  call(conversation: Conversation, more: Readonly<Record<string, unknown>>): Asking {
    let asking = this.#send(conversation, more);
    let cancelled = false;
    const settle = async (): Promise<Answer> => {
      const answer = await asking.answer;
      const { request, call } = conversation;
      if (request.method === 'tools/list') this.#tools.learn(answer.message);
      // The server wants an argument repeated that we did not know of: its tools are looked at again (2026-07-28, client behavior).
      const outdated = request.method === 'tools/call' && numberAt(answer.message.error, 'code') === HEADER_MISMATCH;
      if (!outdated || cancelled || !(await this.#relearn(call, request))) return answer;
      asking = this.#send(conversation, more);
      return asking.answer;
    };
    return {
      id: asking.id,
      answer: settle(),
      cancel: () => {
        cancelled = true;
        asking.cancel();
      },
    };
  }

  /** Sends a request of our own. */
  ask(request: Request, call: Call, heard?: Heard): Asking {
    return this.#ask(toModernRequest(request, this.#nextId(), this.#hello), call, {}, heard);
  }

  /** Sends a notification. */
  tell(message: Message): Promise<void> {
    return tell({ ...this.#target, headers: standardHeaders(message) }, message);
  }

  #send({ request, call, visit, heard }: Conversation, more: Readonly<Record<string, unknown>>): Asking {
    const message = toModernRequest(request, this.#nextId(), this.#hello, this.logLevel, more);
    return this.#ask(message, call, { ...tracing(visit.headers), ...this.#tools.derive(request) }, heard);
  }

  #ask(message: Request, call: Call, headers: Target['headers'], heard: Heard | undefined): Asking {
    const asking = ask({ ...this.#target, headers: { ...headers, ...standardHeaders(message) } }, message, call, heard);
    return {
      id: asking.id,
      answer: asking.answer,
      cancel: () => {
        asking.cancel();
        // Over HTTP the end of the stream says so; on stdio there is none (2026-07-28, cancellation).
        if (this.#session !== undefined)
          void this.tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: message.id } });
      },
    };
  }

  get #target(): Omit<Target, 'headers'> {
    return { upstream: this.#upstream, agent: this.#agent, server: this.current, session: this.#session };
  }

  #nextId(): string {
    this.#requests += 1;
    return `mcp-secrets/${String(this.#requests)}`;
  }

  /** Looks at all tools again. @returns whether the tool of a call wants something else than was known. */
  async #relearn(call: Call, request: Request): Promise<boolean> {
    const before = JSON.stringify(this.#tools.wantedBy(request));
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const list: Request = { jsonrpc: '2.0', id: 0, method: 'tools/list', ...(cursor === undefined ? {} : { params: { cursor } }) };
      const { message } = await this.ask(list, { ...call, method: list.method, tool: undefined }).answer;
      this.#tools.learn(message);
      cursor = stringAt(message.result, 'nextCursor');
      if (cursor === undefined) break;
    }
    return JSON.stringify(this.#tools.wantedBy(request)) !== before;
  }
}
