import type { IncomingHttpHeaders } from 'node:http';
import { shapeDigest } from '../bindings/plan';
import type { Server } from '../bindings/server';
import type { ServersSource } from '../bindings/source';
import type { Clock } from '../shared/clock';
import { lookAhead } from '../shared/cachedFile';
import { isSecretsError, SecretsError } from '../shared/errors';
import { Roster } from '../shared/roster';
import type { Call } from './call';
import type { Reply } from './front/reply';
import type { Session, Sessions } from './front/sessions';
import { isModern, versionIn } from './bridge/era';
import { newsFor } from './bridge/forModernAgent';
import { statusOf } from './bridge/status';
import { checkEra } from './bridge/headers';
import { errorAnswer, isRequest, parseMessages, stringAt, textOf } from './jsonRpc';
import type { Message, Request } from './jsonRpc';
import { inTurn } from './inTurn';
import { allServers, isAll } from './merged/allServers';
import type { Pipeline } from './pipeline';
import type { ServerStates } from './serverStates';
import type { Post, Upstream, Visit } from './visit';

/** What the front knows of a request once it is let in. */
export interface Asked {
  readonly agent: string;
  /** The name in the path, or that of all servers together (merged/allServers.ts). */
  readonly server: string;
  readonly headers: IncomingHttpHeaders;
  readonly reply: Reply;
}

/** What the relay needs of the rest. */
export interface RelayOptions {
  readonly servers: ServersSource;
  readonly sessions: Sessions;
  readonly states: ServerStates;
  readonly pipeline: Pipeline;
  readonly upstreams: Readonly<Record<Server['type'], Upstream>>;
  /** All servers together. */
  readonly all: Upstream;
  /** @throws SecretsError saying why nothing may be used now (`locked`, `untrusted`, `noFolder`). Asked first, at every request. */
  readonly refuseUnlessOpen: () => void;
  /** @throws SecretsError `serverUnapproved`. */
  readonly admit: (server: Server) => Promise<void> | undefined;
  /** Whether an agent may use a server. Asked at every request. */
  readonly mayUse: (agent: string, server: string) => boolean;
  readonly clock: Clock;
}

/** A request of an agent that is not over yet. */
interface Open {
  readonly agent: string;
  readonly server: string;
  readonly reply: Reply;
  /** None: a stream on which a server speaks unasked, or a post without requests. */
  readonly calls: readonly Call[];
  readonly listens: boolean;
  /** What the agent has posted. */
  readonly messages?: readonly Message[];
  /** The session in which it listens, if it does. */
  readonly session?: Session | undefined;
}

/** What a body holds. */
interface Content {
  readonly messages: readonly Message[];
  /** Those that want an answer. */
  readonly requests: readonly Request[];
  /** One for each request, in order. */
  readonly calls: readonly Call[];
}

/** What a post brings. */
type Brought = Pick<Post, 'body' | 'messages' | 'calls'>;

/** Brings the messages of agents to servers and the answers back: finds server and session, runs the interceptors, picks the upstream. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #open = new Roster<Open>();
  /** The ends of sessions that are under way. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** A body with messages. Every request in it is answered once, with an error if need be. @throws SecretsError if there is no request to answer. */
  async post(asked: Asked, body: Buffer): Promise<void> {
    const messages = parseMessages(textOf(body));
    const requests = messages.filter(isRequest);
    const calls = this.#callsOf(asked, requests, body);
    if (isAll(asked.server)) {
      await this.#postToAll(asked, { body, messages, calls });
      return;
    }
    for (const call of calls) this.#options.pipeline.begin(call);
    const open: Open = { agent: asked.agent, server: asked.server, reply: asked.reply, calls, listens: false, messages };
    const leave = this.#open.add(open);
    let entered: Visit | undefined;
    try {
      checkEra(asked.headers, messages);
      const visit = this.#visit(asked);
      for (const call of calls) {
        call.scope = visit.server.scope;
        call.session = visit.session?.id;
      }
      const wait = this.#letIn({ messages, requests, calls }, visit, body.length);
      if (wait !== undefined) await wait;
      // The approval may have taken longer than the agent waits.
      if (asked.reply.ended) throw new SecretsError('sessionUnknown', {});
      this.#options.sessions.enter(visit.session);
      entered = visit;
      await this.#options.upstreams[visit.server.type].post(postOf(visit, { body, messages, calls }));
      if (!asked.reply.abandoned) this.#options.states.answered(asked.server);
    } catch (error) {
      if (asked.reply.ended) {
        // The agent has gone, which is not the server's failure.
        for (const call of calls) this.#options.pipeline.abandoned(call);
        return;
      }
      if (this.#options.servers.has(asked.server)) this.#options.states.failed(asked.server, error);
      for (const call of calls) this.#options.pipeline.failed(call, error);
      if (calls.length === 0 || !answersCalls(error)) throw error;
      answer(asked.reply, calls, error);
    } finally {
      leave();
      if (entered !== undefined) this.#leave(entered);
      lookAhead();
    }
  }

  /**
   * Messages for all servers together. What reaches a server from there comes by here again, as a request to that server: the
   * steps that a call passes, its audit entry among them, are then.
   */
  async #postToAll(asked: Asked, content: Brought): Promise<void> {
    const { agent, server, reply } = asked;
    const { calls } = content;
    const open: Open = { agent, server, reply, calls, listens: false };
    const leave = this.#open.add(open);
    try {
      checkEra(asked.headers, content.messages);
      const visit = this.#visit(asked);
      await this.#during(visit, () => this.#options.all.post(postOf(visit, content)));
    } catch (error) {
      if (reply.ended) return;
      if (calls.length === 0 || !answersCalls(error)) throw error;
      answer(reply, calls, error);
    } finally {
      leave();
    }
  }

  /** The stream on which a server speaks unasked. */
  async listen(asked: Asked): Promise<void> {
    const { agent, server, reply } = asked;
    const visit = this.#visit(asked);
    const leave = this.#open.add({ agent, server, reply, calls: [], listens: true, session: visit.session });
    try {
      if (!isAll(asked.server)) await this.#options.admit(visit.server);
      if (!reply.ended) await this.#during(visit, () => listening(visit, this.#upstream(visit.server)));
    } finally {
      leave();
    }
  }

  /** The end of a session, by its agent. */
  async end(asked: Asked): Promise<void> {
    const { session } = this.#visit(asked);
    if (session === undefined) throw new SecretsError('methodNotAllowed', { method: 'DELETE' });
    await this.close(session);
    asked.reply.empty(204);
  }

  /** Ends a session from this side. Calls under way may be answered with `why`. */
  async close(session: Session, why?: SecretsError): Promise<void> {
    if (this.#options.sessions.close(session)) await this.endAtServer(session, why);
  }

  /** Ends a session that is closed already at the server's side, too. Never rejects. */
  async endAtServer(session: Session, why?: SecretsError): Promise<void> {
    this.#options.states.changed(session.server);
    for (const { reply, session: listening } of this.#open) if (listening === session) reply.breakOff();
    const ending = this.#upstream({ name: session.server, type: session.type }).end(session, why);
    this.#ending.add(ending);
    await ending;
    this.#ending.delete(ending);
  }

  /** Ends every session, and the streams on which servers speak unasked. */
  async closeAll(why?: SecretsError): Promise<void> {
    for (const { reply, listens } of this.#open) if (listens) reply.breakOff();
    await Promise.all(this.#options.sessions.all().map((session) => this.close(session, why)));
    await Promise.all(this.#ending);
  }

  /**
   * Ends everything at once and waits for nothing: whatever is open is answered with the error, upstream requests
   * are broken off, sessions are forgotten without a word to the servers.
   */
  breakOff(error: SecretsError): void {
    const { sessions, states } = this.#options;
    for (const open of this.#open) this.#endOpen(open, error);
    for (const session of sessions.all()) {
      sessions.close(session);
      states.changed(session.server);
    }
  }

  /**
   * Ends what agents have open and may not have any more: requests are answered with the error and their upstream
   * requests broken off, sessions end in good order.
   * @param refusal why an agent may not use a server; `undefined` if it may.
   */
  endRefused(refusal: (agent: string, server: string) => SecretsError | undefined): void {
    for (const open of this.#open) {
      const why = refusal(open.agent, open.server);
      if (why !== undefined) this.#endOpen(open, why);
    }
    for (const session of this.#options.sessions.all()) {
      const why = refusal(session.agent, session.server);
      if (why !== undefined) void this.close(session, why);
    }
  }

  /** Says something on each open stream on which a server speaks unasked. @param message a notification, as JSON text. */
  notify(server: string, message: string): void {
    for (const open of this.#open) {
      if (open.server !== server || !open.reply.started || open.reply.ended) continue;
      const text = open.listens ? message : newsFor(open.messages?.[0], message);
      if (text !== undefined) open.reply.event(text);
    }
  }

  #endOpen({ reply, calls }: Open, error: SecretsError): void {
    const waiting = calls.filter(
      (call) => isAll(call.server) || this.#options.pipeline.end(call, { outcome: 'error', errorKind: error.kind }),
    );
    if (waiting.length > 0) answer(reply, waiting, error);
    else if (!reply.started) reply.json(errorAnswer(null, error), 503);
    reply.breakOff();
  }

  /**
   * Each message before the interceptors, then approval of the server, which may take as long as a person does, then each call.
   * No promise if nothing has to be waited for.
   */
  #letIn({ messages, requests, calls }: Content, { agent, server, session }: Visit, bytes: number): Promise<void> | undefined {
    const { admit, pipeline } = this.#options;
    const limit = server.limits?.requestBytes ?? Infinity;
    if (bytes > limit) throw new SecretsError('bodyTooLarge', { limit });
    const rest = calls.values();
    const callOf = (message: Message): Call | undefined => (isRequest(message) ? rest.next().value : undefined);
    return inTurn(
      [
        () => inTurn(messages, (message) => pipeline.incoming(message, agent, server, session?.id, callOf(message))),
        () => {
          for (const call of calls) call.searched = true;
          return admit(server);
        },
        () =>
          inTurn(calls, (call, index) => {
            const request = requests[index];
            return request === undefined ? undefined : pipeline.before(call, server, request);
          }),
      ],
      (step) => step(),
    );
  }

  #callsOf(asked: Asked, requests: readonly Request[], body: Buffer): Call[] {
    const startedAt = this.#options.clock.steady();
    if (requests.length > 1 && new Set(requests.map((r) => r.id)).size !== requests.length)
      throw new SecretsError('notJsonRpc', { why: 'two requests have the same id' });
    const onGone = (callback: () => void): void => {
      asked.reply.onAbandoned(callback);
    };
    return requests.map(({ id, method, params }) => ({
      agent: asked.agent,
      server: asked.server,
      session: undefined,
      onGone,
      id,
      method,
      tool: method === 'tools/call' ? stringAt(params, 'name')?.slice(0, 128) : undefined,
      startedAt,
      body,
      searched: false,
      mayBeNamed: undefined,
      scope: undefined,
      versions: {},
    }));
  }

  #visit({ agent, server: name, headers, reply }: Asked): Visit {
    this.#options.refuseUnlessOpen();
    const server = isAll(name) ? allServers(name) : this.#serverFor(agent, name);
    // Since MCP 2026-07-28 there are no sessions.
    const id = isModern(versionIn(headers)) ? undefined : headers['mcp-session-id'];
    const session = typeof id === 'string' ? this.#options.sessions.get(id, agent, name) : undefined;
    if (session !== undefined && session.plan !== shapeDigest(server)) {
      void this.close(session);
      throw new SecretsError('sessionUnknown', {});
    }
    return { agent, server, session, headers, reply };
  }

  #serverFor(agent: string, name: string): Server {
    // First of all: of other servers an agent is not even told whether there are any.
    if (!this.#options.mayUse(agent, name)) throw new SecretsError('serverNotForAgent', { agent, server: name });
    this.#options.states.refuseStopped(name);
    return this.#options.servers.atHand(name);
  }

  #upstream({ name, type }: Pick<Server, 'name' | 'type'>): Upstream {
    return isAll(name) ? this.#options.all : this.#options.upstreams[type];
  }

  /** Counts the visit as a use of its session, from beginning to end. */
  async #during(visit: Visit, act: () => Promise<void>): Promise<void> {
    this.#options.sessions.enter(visit.session);
    try {
      await act();
    } finally {
      this.#leave(visit);
    }
  }

  #leave({ session, server }: Visit): void {
    this.#options.sessions.leave(session);
    this.#options.states.changed(server.name);
  }
}

/** Each member by name: what `...` makes has another hidden class now and then, and everything that gets it is compiled anew. */
function postOf({ agent, server, session, headers, reply }: Visit, { body, messages, calls }: Brought): Post {
  return { agent, server, session, headers, reply, body, messages, calls };
}

/** Counts a visit as a stream of its session. */
async function listening(visit: Visit, upstream: Upstream): Promise<void> {
  const { session } = visit;
  if (session !== undefined) session.streams += 1;
  try {
    await upstream.listen(visit);
  } finally {
    if (session !== undefined) session.streams -= 1;
  }
}

/** Answers calls with an error: as JSON, or in the stream that has begun. */
function answer(reply: Reply, calls: readonly Call[], error: unknown): void {
  const answers = calls.map((call) => errorAnswer(call.id, error));
  if (!reply.started) reply.json(answers.length === 1 ? (answers[0] ?? '') : `[${answers.join(',')}]`, statusOf(error));
  else {
    for (const text of answers) reply.event(text);
    reply.end();
  }
}

/** Whether an error is told in answers to the calls; the others concern the HTTP request as such. */
function answersCalls(error: unknown): boolean {
  return !isSecretsError(error) || !['sessionUnknown', 'serverUnknown', 'notJsonRpc'].includes(error.kind);
}
