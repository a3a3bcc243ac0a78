import { SecretsError } from '../../shared/errors';
import type { Session } from '../front/sessions';
import type { Post, Upstream, Visit } from '../visit';
import { modeIn } from './allServers';
import type { ToolsMode } from './allServers';
import { MergedSession } from './session';
import type { MergedSessionOptions } from './session';

/** How often it is looked whether there are other servers than before: what other processes change is told by nobody. */
const REVIEW_MS = 3_000;
/** Changes that come close together are looked at once. */
const SOON_MS = 100;

/** What the endpoint for all servers needs of the rest. */
export interface MergedUpstreamOptions extends MergedSessionOptions {
  /** What agents are offered that do not say what they want. */
  readonly mode: () => ToolsMode;
}

/**
 * All servers as one (`/mcp`). Behind the interface of an upstream, but without anything behind it other than the relay:
 * whatever reaches a server from here passes as a request of the agent to that server.
 */
export class MergedUpstream implements Upstream {
  readonly #options: MergedUpstreamOptions;
  readonly #open = new Set<MergedSession>();
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;

  constructor(options: MergedUpstreamOptions) {
    this.#options = options;
  }

  async post(post: Post): Promise<void> {
    if (post.session === undefined) await this.#begin(post).post(post);
    else await sessionOf(post.session).post(post);
  }

  listen(visit: Visit): Promise<void> {
    if (visit.session === undefined) throw new SecretsError('sessionUnknown', {});
    return sessionOf(visit.session).listen(visit.reply);
  }

  async end(session: Session): Promise<void> {
    const state = sessionOf(session);
    this.#forget(state);
    await state.end();
  }

  /** Ends everything at once. */
  kill(): void {
    for (const state of this.#open) {
      this.#forget(state);
      void state.end();
    }
  }

  /** Servers, approvals or states may have changed. */
  changed(): void {
    if (this.#open.size === 0) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#review();
    }, SOON_MS).unref();
  }

  #begin(post: Post): MergedSession {
    const { sessions, mode } = this.#options;
    if (!post.calls.some(({ method }) => method === 'initialize')) throw new SecretsError('sessionUnknown', {});
    const state = new MergedSession(post.agent, modeIn(post.server.name) ?? mode(), this.#options);
    const session = sessions.open(post, state);
    post.reply.headers['mcp-session-id'] = session.id;
    this.#open.add(state);
    this.#timer ??= setInterval(() => {
      this.#review();
    }, REVIEW_MS).unref();
    return state;
  }

  #forget(state: MergedSession): void {
    this.#open.delete(state);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #review(): void {
    for (const state of this.#open) state.review();
  }
}

function sessionOf(session: Session): MergedSession {
  return session.state as MergedSession;
}
