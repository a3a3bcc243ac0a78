import { randomUUID } from 'node:crypto';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';

/** Sessions that one server may have open at a time. */
const MAX_PER_SERVER = 64;
/** A session that its agent has not come back to may still be beginning, for so long. */
const BEGINNING_MS = 5 * 60_000;

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
  /** How many of these are streams on which the server speaks unasked. */
  streams: number;
}

/** The open sessions. Ids are ours (random UUIDs): an upstream's own ids stay between it and the proxy. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #end: (session: Session) => void;

  /** @param end ends a session in good order. */
  constructor(end: (session: Session) => void) {
    this.#end = end;
  }

  /** Opens one. @throws SecretsError `sessionLimit`. */
  open(session: Pick<Session, 'agent' | 'server' | 'type' | 'plan' | 'state'>, now: number): Session {
    this.makeRoom(session.server, session.agent, now);
    const opened: Session = { ...session, id: randomUUID(), openedAt: now, usedAt: now, visits: 0, streams: 0 };
    this.#sessions.set(opened.id, opened);
    return opened;
  }

  /**
   * If a server has as many sessions as it may have, the one that this agent has not used for longest ends: many agents never
   * say that they are done with one. If it has none to give, an agent that has more than it has gives way, so that nobody can lock
   * others out: with an idle one, else with one that only listens. Sessions with a call under way stay. @throws SecretsError `sessionLimit`.
   */
  makeRoom(server: string, agent: string, now: number): void {
    const open = this.of(server);
    if (open.length < MAX_PER_SERVER) return;
    const spare = open
      .filter((s) => s.visits === s.streams && (s.usedAt > s.openedAt || now - s.openedAt > BEGINNING_MS))
      .sort((a, b) => a.usedAt - b.usedAt);
    const idle = spare.filter((s) => s.visits === 0);
    const share = (of: string): number => open.filter((s) => s.agent === of).length;
    const ofRichest = (those: readonly Session[]): Session | undefined =>
      those.filter((s) => share(s.agent) > share(agent)).sort((a, b) => share(b.agent) - share(a.agent))[0];
    const given = idle.find((s) => s.agent === agent) ?? ofRichest(idle) ?? ofRichest(spare);
    if (given === undefined) throw new SecretsError('sessionLimit', { server, limit: MAX_PER_SERVER });
    this.#sessions.delete(given.id);
    this.#end(given);
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
