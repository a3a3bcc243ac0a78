import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Opener, Session, Sessions } from '../front/sessions';
import type { Post, Upstream, Visit } from '../visit';
import { ChannelSession } from './channelSession';
import type { PeersOptions } from './peers';

/** How often sessions are looked after. */
const TEND_MS = 1_000;

/** What upstreams over channels need of the rest. */
export interface ChannelUpstreamOptions<S extends Server> extends PeersOptions<S> {
  readonly sessions: Sessions;
}

/** Upstreams that are reached over a channel: one channel per session, never shared between agents. */
export class ChannelUpstream<S extends Server> implements Upstream {
  readonly #options: ChannelUpstreamOptions<S>;
  /** Every session for which something may still run. */
  readonly #running = new Set<ChannelSession<S>>();
  #tending: NodeJS.Timeout | undefined;

  constructor(options: ChannelUpstreamOptions<S>) {
    this.#options = options;
  }

  async post(post: Post): Promise<void> {
    const { sessions } = this.#options;
    if (post.session !== undefined) {
      await sessionOf(post.session).post(post);
      return;
    }
    const initialize = post.calls.find((call) => call.method === 'initialize');
    if (initialize === undefined) throw new SecretsError('sessionUnknown', {});
    const { session, state } = this.#newSession(post, true);
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

  /** Opens a session without a handshake. */
  open(opener: Opener): Session {
    return this.#newSession(opener, false).session;
  }

  listen(visit: Visit): Promise<void> {
    if (visit.session === undefined) throw new SecretsError('sessionUnknown', {});
    return sessionOf(visit.session).listen(visit.reply);
  }

  end(session: Session, why?: SecretsError): Promise<void> {
    return this.#end(session.state as ChannelSession<S>, why);
  }

  /** For when secrets were changed: what has a former value gets the new one. */
  tend(): void {
    for (const state of this.#running) state.tend();
  }

  /** Ends everything at once. */
  kill(why: SecretsError): void {
    for (const state of this.#running) state.kill(why);
    this.#running.clear();
    this.#rest();
  }

  /** @throws SecretsError `sessionLimit`. */
  #newSession(opener: Opener, handshake: boolean): { session: Session; state: ChannelSession<S> } {
    const state = new ChannelSession<S>(opener.server as S, this.#options, handshake);
    const session = this.#options.sessions.open(opener, state);
    this.#running.add(state);
    this.#tending ??= setInterval(() => {
      this.tend();
    }, TEND_MS).unref();
    return { session, state };
  }

  async #end(state: ChannelSession<S>, why?: SecretsError): Promise<void> {
    await state.end(why);
    this.#running.delete(state);
    this.#rest();
  }

  #rest(): void {
    if (this.#running.size > 0) return;
    clearInterval(this.#tending);
    this.#tending = undefined;
  }
}

function sessionOf(session: Session): ChannelSession<Server> {
  return session.state as ChannelSession<Server>;
}
