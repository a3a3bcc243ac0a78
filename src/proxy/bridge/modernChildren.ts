import { shapeDigest } from '../../bindings/plan';
import { SecretsError } from '../../shared/errors';
import type { Reply } from '../front/reply';
import type { Session, Sessions } from '../front/sessions';
import { cancelledBy, isRequest, numberAt, objectAt, parseMessage } from '../jsonRpc';
import type { Request, RequestId } from '../jsonRpc';
import type { Post, Upstream, Visit } from '../visit';
import { tell } from './ask';
import { endSession } from './endSession';
import { subscriptionOf } from './forLegacyAgent';
import { ReplyFilter } from './replyFilter';
import { statusOfCode } from './status';
import { ToolHeaders } from './toolHeaders';

/** What is under way in one child. */
interface Child {
  readonly key: string;
  readonly session: Session;
  /** The requests, by their ids. */
  readonly requests: Map<RequestId, { readonly request: Request; readonly reply: Reply }>;
}

/**
 * Modern servers that are child processes. The era has no sessions, and agents have no ids for them: each agent gets a child of its
 * own, which ends when it is idle. Where two windows of one agent happen to use the same id at the same time, the second gets
 * another child, so that messages pass as they came.
 */
export class ModernChildren {
  readonly #upstream: Upstream;
  readonly #sessions: Sessions;
  readonly #children = new Set<Child>();
  /** What was learned from the lists of tools, for all children of one agent and plan. */
  readonly #tools = new Map<string, ToolHeaders>();

  constructor(upstream: Upstream, sessions: Sessions) {
    this.#upstream = upstream;
    this.#sessions = sessions;
  }

  /** Takes over a child that is known to be modern. */
  adopt(visit: Pick<Visit, 'agent' | 'server'>, session: Session): void {
    this.#children.add({ key: keyOf(visit), session, requests: new Map() });
  }

  /** Whether the agent has a child with this server. */
  has(visit: Pick<Visit, 'agent' | 'server'>): boolean {
    return this.#children.size > 0 && this.#open(visit).length > 0;
  }

  /** Brings an agent's request to its child. */
  async post(post: Post): Promise<void> {
    const request = post.messages.find(isRequest);
    if (request === undefined) {
      await this.#note(post);
      return;
    }
    // Towards the agent this is the server that has to compare headers with the body (2026-07-28, server behavior for custom headers).
    const tools = this.#toolsFor(post);
    tools.check(request, post.headers);
    const child = this.#childFor(post, request);
    child.requests.set(request.id, { request, reply: post.reply });
    post.reply.onAbandoned(() => {
      // After all who hear of it, too: it is the agent who has gone, and not a call that was cancelled.
      queueMicrotask(() => {
        this.#cancel(child, post, request.id);
      });
    });
    try {
      await this.#sessions.during(child.session, () =>
        this.#upstream.post({ ...post, session: child.session, reply: new ChildReply(post.reply, child, request, tools) }),
      );
    } finally {
      child.requests.delete(request.id);
    }
  }

  /** A session has ended. */
  closed(session: Session): void {
    for (const child of this.#children) if (child.session === session) this.#children.delete(child);
  }

  #toolsFor(visit: Pick<Visit, 'agent' | 'server'>): ToolHeaders {
    const key = keyOf(visit);
    const tools = this.#tools.get(key) ?? new ToolHeaders();
    this.#tools.set(key, tools);
    return tools;
  }

  async #note(post: Post): Promise<void> {
    const [message] = post.messages;
    const cancelled = message === undefined ? undefined : cancelledBy(message);
    const child = this.#open(post).find((c) => cancelled === undefined || c.requests.has(cancelled));
    if (child === undefined) post.reply.empty(202);
    else await this.#upstream.post({ ...post, session: child.session });
  }

  /** The agent has closed the stream of a request, which is how it takes it back; on stdio a message says so (2026-07-28, cancellation). */
  #cancel({ session }: Child, { agent, server, headers }: Post, requestId: RequestId): void {
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } } as const;
    void tell({ upstream: this.#upstream, agent, server, session, headers }, message);
  }

  #childFor(post: Post, request: Request): Child {
    const free = this.#open(post).find(({ requests }) => !requests.has(request.id) && !hasToken(requests.values(), tokenOf(request)));
    if (free !== undefined) return free;
    const session = this.#upstream.open?.(post);
    if (session === undefined) throw new SecretsError('sessionUnknown', {});
    this.adopt(post, session);
    return this.#childFor(post, request);
  }

  /** The agent's children with this server. Those of an earlier plan are ended. */
  #open(visit: Pick<Visit, 'agent' | 'server'>): Child[] {
    const key = keyOf(visit);
    for (const child of [...this.#children]) {
      const { session } = child;
      const outdated = session.agent === visit.agent && session.server === visit.server.name && child.key !== key;
      if (outdated) endSession(session, this.#sessions, this.#upstream);
      if (outdated || !this.#sessions.has(session)) this.#children.delete(child);
    }
    return [...this.#children].filter((child) => child.key === key);
  }
}

function keyOf({ agent, server }: Pick<Visit, 'agent' | 'server'>): string {
  return JSON.stringify([agent, server.name, shapeDigest(server)]);
}

function tokenOf({ params }: Request): unknown {
  return objectAt(params, '_meta')?.progressToken;
}

function hasToken(requests: Iterable<{ readonly request: Request }>, token: unknown): boolean {
  if (token === undefined) return false;
  for (const { request } of requests) if (tokenOf(request) === token) return true;
  return false;
}

/** A reply to a request that a child works on. A child has one channel: what it says goes to the request that it belongs to. */
class ChildReply extends ReplyFilter {
  readonly #child: Child;
  readonly #request: Request;
  readonly #tools: ToolHeaders;

  constructor(reply: Reply, child: Child, request: Request, tools: ToolHeaders) {
    super(reply);
    this.#tools = tools;
    this.#child = child;
    this.#request = request;
  }

  override json(body: string | Buffer): void {
    const text = body.toString();
    if (this.#request.method === 'tools/list') this.#learn(text);
    // Over HTTP the status says, too, what went wrong (2026-07-28, Streamable HTTP).
    const code = text.includes('"error"') ? numberAt(parseMessage(text)?.error, 'code') : undefined;
    super.json(body, statusOfCode(code));
  }

  #learn(text: string): void {
    const message = parseMessage(text);
    if (message !== undefined) this.#tools.learn(message);
  }

  override event(json: string): void {
    const message = parseMessage(json);
    // A request of the server: there are none in this era.
    if (message === undefined || isRequest(message)) return;
    const subscription = subscriptionOf(message);
    const { requests } = this.#child;
    if (subscription !== undefined) send(requests.get(subscription)?.reply, json);
    else if (message.method === undefined || this.#request.method !== LISTEN) super.event(json);
    // What is said during a call is not for those who wait for changes.
    else send([...requests.values()].find(({ request }) => request.method !== LISTEN)?.reply, json);
  }
}

const LISTEN = 'subscriptions/listen';

function send(reply: Reply | undefined, json: string): void {
  if (reply?.ended === false) reply.event(json);
}
