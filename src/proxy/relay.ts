import type { IncomingHttpHeaders } from 'node:http';
import { shapeDigest } from '../bindings/plan';
import type { Server } from '../bindings/server';
import type { ServersSource } from '../bindings/source';
import type { Clock } from '../shared/clock';
import { isSecretsError, SecretsError } from '../shared/errors';
import type { Call } from './call';
import type { Reply } from './front/reply';
import type { Session, Sessions } from './front/sessions';
import { errorAnswer, isRequest, parseMessages, stringAt } from './jsonRpc';
import type { Message } from './jsonRpc';
import type { Pipeline } from './pipeline';
import type { ServerStates } from './serverStates';
import type { Upstream, Visit } from './visit';

/** What the front knows of a request once it is let in. */
export interface Asked {
  readonly agent: string;
  /** The name in the path. */
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
  /** @throws SecretsError saying why nothing may be used now (`locked`, `untrusted`, `noFolder`). Asked first, at every request. */
  readonly refuseUnlessOpen: () => void;
  /** @throws SecretsError `serverUnapproved`. */
  readonly admit: (server: Server) => Promise<void> | undefined;
  readonly clock: Clock;
}

/** A request of an agent that is not over yet. */
interface Open {
  readonly reply: Reply;
  /** None: a stream on which a server speaks unasked, or a post without requests. */
  readonly calls: readonly Call[];
  readonly listens: boolean;
}

/** Brings the messages of agents to servers and the answers back: finds server and session, runs the interceptors, picks the upstream. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #open = new Set<Open>();
  /** The ends of sessions that are under way. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** A body with messages. Every request in it is answered once, with an error if need be. @throws SecretsError if there is no request to answer. */
  async post(asked: Asked, body: Buffer): Promise<void> {
    const messages = parseMessages(body.toString());
    const calls = this.#callsOf(asked, messages);
    for (const call of calls) this.#options.pipeline.begin(call);
    const open: Open = { reply: asked.reply, calls, listens: false };
    this.#open.add(open);
    try {
      const visit = this.#visit(asked);
      for (const call of calls) call.scope = visit.server.scope;
      await this.#letIn(messages, calls, visit);
      // The approval may have taken longer than the agent waits.
      if (asked.reply.ended) throw new SecretsError('sessionUnknown', {});
      await this.#during(visit, () => this.#options.upstreams[visit.server.type].post({ ...visit, body, messages, calls }));
      if (!asked.reply.abandoned) this.#options.states.answered(asked.server);
    } catch (error) {
      if (asked.reply.ended) {
        // The agent has gone, which is not the server's failure.
        for (const call of calls) this.#options.pipeline.abandoned(call);
        return;
      }
      this.#options.states.failed(asked.server, error);
      for (const call of calls) this.#options.pipeline.failed(call, error);
      if (calls.length === 0 || !answersCalls(error)) throw error;
      answer(asked.reply, calls, error);
    } finally {
      this.#open.delete(open);
    }
  }

  /** The stream on which a server speaks unasked. */
  async listen(asked: Asked): Promise<void> {
    const open: Open = { reply: asked.reply, calls: [], listens: true };
    this.#open.add(open);
    try {
      const visit = this.#visit(asked);
      await this.#options.admit(visit.server);
      if (!asked.reply.ended) await this.#during(visit, () => this.#options.upstreams[visit.server.type].listen(visit));
    } finally {
      this.#open.delete(open);
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
    if (!this.#options.sessions.close(session)) return;
    this.#options.states.changed(session.server);
    const ending = this.#options.upstreams[session.type].end(session, why);
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
    const { pipeline, sessions, states } = this.#options;
    for (const { reply, calls } of this.#open) {
      const waiting = calls.filter((call) => pipeline.end(call, { outcome: 'error', errorKind: error.kind }));
      if (waiting.length > 0) answer(reply, waiting, error);
      else if (!reply.started) reply.json(errorAnswer(null, error), 503);
      reply.breakOff();
    }
    for (const session of sessions.all()) {
      sessions.close(session);
      states.changed(session.server);
    }
  }

  /** Approval of the server, then each message and each call before the interceptors. */
  async #letIn(messages: readonly Message[], calls: readonly Call[], { agent, server }: Visit): Promise<void> {
    const { admit, pipeline } = this.#options;
    await admit(server);
    for (const message of messages) await pipeline.incoming(message, agent, server);
    const requests = messages.filter(isRequest);
    for (const [index, call] of calls.entries()) {
      const request = requests[index];
      if (request !== undefined) await pipeline.before(call, server, request);
    }
  }

  #callsOf(asked: Asked, messages: readonly Message[]): Call[] {
    const startedAt = this.#options.clock.now();
    const requests = messages.filter(isRequest);
    if (new Set(requests.map((r) => r.id)).size !== requests.length)
      throw new SecretsError('notJsonRpc', { why: 'two requests have the same id' });
    return requests.map(({ id, method, params }) => ({
      agent: asked.agent,
      server: asked.server,
      id,
      method,
      tool: method === 'tools/call' ? stringAt(params, 'name')?.slice(0, 128) : undefined,
      startedAt,
      scope: undefined,
      versions: {},
    }));
  }

  #visit({ agent, server: name, headers, reply }: Asked): Visit {
    this.#options.refuseUnlessOpen();
    this.#options.states.refuseStopped(name);
    const server = this.#options.servers.get(name);
    const id = headers['mcp-session-id'];
    const session = typeof id === 'string' ? this.#options.sessions.get(id, agent, name, this.#options.clock.now()) : undefined;
    if (session !== undefined && session.plan !== shapeDigest(server)) {
      void this.close(session);
      throw new SecretsError('sessionUnknown', {});
    }
    return { agent, server, session, headers, reply };
  }

  /** Counts the visit as a use of its session, from beginning to end. */
  async #during({ session, server }: Visit, visit: () => Promise<void>): Promise<void> {
    if (session !== undefined) session.visits += 1;
    try {
      await visit();
    } finally {
      if (session !== undefined) {
        session.visits -= 1;
        session.usedAt = this.#options.clock.now();
      }
      this.#options.states.changed(server.name);
    }
  }
}

/** Answers calls with an error: as JSON, or in the stream that has begun. */
function answer(reply: Reply, calls: readonly Call[], error: unknown): void {
  const answers = calls.map((call) => errorAnswer(call.id, error));
  if (!reply.started) reply.json(answers.length === 1 ? (answers[0] ?? '') : `[${answers.join(',')}]`);
  else {
    for (const text of answers) reply.event(text);
    reply.end();
  }
}

/** Whether an error is told in answers to the calls; the others concern the HTTP request as such. */
function answersCalls(error: unknown): boolean {
  return !isSecretsError(error) || !['sessionUnknown', 'serverUnknown', 'notJsonRpc'].includes(error.kind);
}
