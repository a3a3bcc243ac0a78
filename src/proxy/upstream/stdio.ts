import { shapeDigest } from '../../bindings/plan';
import type { StdioServer } from '../../bindings/server';
import type { Clock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import type { Session, Sessions } from '../front/sessions';
import type { Injector } from '../injector';
import type { Pipeline } from '../pipeline';
import type { Post, Upstream, Visit } from '../visit';
import { StdioSession } from './stdioSession';

/** What stdio upstreams need of the rest. */
export interface StdioUpstreamOptions {
  readonly injector: Injector;
  readonly sessions: Sessions;
  readonly pipeline: Pipeline;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly callTimeoutMs: () => number;
}

/** Upstreams that are child processes: one child per session, never shared between agents. */
export class StdioUpstream implements Upstream {
  readonly #options: StdioUpstreamOptions;
  /** Every session whose children may still run. */
  readonly #running = new Set<StdioSession>();

  constructor(options: StdioUpstreamOptions) {
    this.#options = options;
  }

  async post(post: Post): Promise<void> {
    const { sessions, clock } = this.#options;
    if (post.session !== undefined) {
      await sessionOf(post.session).post(post);
      return;
    }
    const initialize = post.calls.find((call) => call.method === 'initialize');
    if (initialize === undefined) throw new SecretsError('sessionUnknown', {});
    const server = post.server as StdioServer;
    const state = new StdioSession(server, this.#options);
    this.#running.add(state);
    const session = sessions.open(
      { agent: post.agent, server: server.name, type: server.type, plan: shapeDigest(server), state },
      clock.now(),
    );
    post.reply.headers['mcp-session-id'] = session.id;
    try {
      await state.post(post);
    } catch (error) {
      delete post.reply.headers['mcp-session-id'];
      throw error;
    } finally {
      // A session that never began is nothing to come back to. It is known until its child is gone, so that `stop` waits for it.
      if (!state.began) void this.#end(state).then(() => sessions.close(session));
    }
  }

  listen(visit: Visit): Promise<void> {
    if (visit.session === undefined) throw new SecretsError('sessionUnknown', {});
    return sessionOf(visit.session).listen(visit.reply);
  }

  end(session: Session, why?: SecretsError): Promise<void> {
    return this.#end(sessionOf(session), why);
  }

  /** Kills every child at once. */
  kill(why: SecretsError): void {
    for (const state of this.#running) state.kill(why);
    this.#running.clear();
  }

  async #end(state: StdioSession, why?: SecretsError): Promise<void> {
    await state.end(why);
    this.#running.delete(state);
  }
}

function sessionOf(session: Session): StdioSession {
  return session.state as StdioSession;
}
