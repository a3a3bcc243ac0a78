import { randomUUID } from 'node:crypto';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';

/** Sessions that one server may have open at a time. */
const MAX_PER_SERVER = 64;

/** One agent's conversation with one server. */
export interface Session {
  readonly id: string;
  readonly agent: string;
  readonly server: string;
  readonly type: Server['type'];
  /** The plan under which it began, whatever its scope (`shapeDigest`). When the plan changes, the session is over. */
  readonly plan: string;
  /** What the upstream keeps for it: a session id, a child. */
  readonly state: unknown;
  /** ms since the epoch. */
  readonly openedAt: number;
  /** ms since the epoch; `openedAt` until its agent comes back to it. */
  usedAt: number;
  /** HTTP requests under way in it. */
  visits: number;
}

/** The open sessions. Ids are ours (random UUIDs): an upstream's own ids stay between it and the proxy. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  /** Opens one. @throws SecretsError `sessionLimit`. */
  open(session: Pick<Session, 'agent' | 'server' | 'type' | 'plan' | 'state'>, now: number): Session {
    this.refuseMore(session.server);
    const opened: Session = { ...session, id: randomUUID(), openedAt: now, usedAt: now, visits: 0 };
    this.#sessions.set(opened.id, opened);
    return opened;
  }

  /** @throws SecretsError `sessionLimit` if the server has as many sessions as it may have. */
  refuseMore(server: string): void {
    if (this.of(server).length >= MAX_PER_SERVER) throw new SecretsError('sessionLimit', { server, limit: MAX_PER_SERVER });
  }

  /** The session that an agent names, if it is this agent's with this server. @throws SecretsError `sessionUnknown`. */
  get(id: string, agent: string, server: string, now: number): Session {
    const session = this.#sessions.get(id);
    if (session?.agent !== agent || session.server !== server) throw new SecretsError('sessionUnknown', {});
    session.usedAt = now;
    return session;
  }

  /** Whether a session is open. */
  has(session: Session): boolean {
    return this.#sessions.get(session.id) === session;
  }

  /** The open sessions of a server. */
  of(server: string): Session[] {
    return [...this.#sessions.values()].filter((s) => s.server === server);
  }

  /** All open sessions. */
  all(): Session[] {
    return [...this.#sessions.values()];
  }

  /** Forgets a session; false if it was not open. */
  close(session: Session): boolean {
    return this.#sessions.delete(session.id);
  }
}
