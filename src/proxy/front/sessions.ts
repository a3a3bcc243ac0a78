import { randomUUID } from 'node:crypto';
import { shapeDigest } from '../../bindings/plan';
import type { Server } from '../../bindings/server';
import { systemClock } from '../../shared/clock';
import type { Clock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import type { Reply } from './reply';

/** Sessions that one server may have open at a time. */
const MAX_PER_SERVER = 64;
/** A session that its agent has just been told of may still be beginning, for so long. */
const BEGINNING_MS = 10_000;
/** A session without a request for this long is over: its agent has gone without a word. */
const IDLE_MS = 60 * 60_000;
/** One whose agent never came back to it, and may not even have heard of it, is over sooner. */
const UNUSED_MS = 2 * 60_000;

/** Who opens a session. */
export interface Opener {
  readonly agent: string;
  readonly server: Server;
  /** The answer that tells the agent of it: until that is over, the session is in use. */
  readonly reply?: Pick<Reply, 'ended' | 'onClosed'>;
}

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
  /** The answer that tells its agent of it, until that is over. */
  opening: Opener['reply'];
  /** When it was used last, as `Clock.steady`. */
  usedAt: number;
  /** Whether its agent has come back to it. */
  cameBack: boolean;
  /** HTTP requests under way in it. */
  visits: number;
  /** How many of these are streams on which the server speaks unasked. */
  streams: number;
}

/** The open sessions. Ids are ours (random UUIDs): an upstream's own ids stay between it and the proxy. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #end: (session: Session) => void;
  readonly #clock: Clock;

  /** @param end ends a session in good order. */
  constructor(end: (session: Session) => void, clock: Clock = systemClock) {
    this.#end = end;
    this.#clock = clock;
  }

  /** Opens one. @param state what the upstream keeps for it. @throws SecretsError `sessionLimit`. */
  open({ agent, server, reply }: Opener, state?: unknown): Session {
    this.#makeRoom(server.name, agent);
    const session: Session = {
      id: randomUUID(),
      agent,
      server: server.name,
      type: server.type,
      plan: shapeDigest(server),
      state,
      opening: reply,
      usedAt: this.#clock.steady(),
      cameBack: false,
      visits: 0,
      streams: 0,
    };
    this.#sessions.set(session.id, session);
    reply?.onClosed(() => {
      session.opening = undefined;
      session.usedAt = this.#clock.steady();
    });
    return session;
  }

  /** The session that an agent names, if it is this agent's with this server: a use of it. @throws SecretsError `sessionUnknown`. */
  get(id: string, agent: string, server: string): Session {
    const session = this.#sessions.get(id);
    if (session?.agent !== agent || session.server !== server) throw new SecretsError('sessionUnknown', {});
    this.#used(session);
    return session;
  }

  /** A visit begins: until {@link leave}, the session is in use. Nothing for a visit without a session. */
  enter(session: Session | undefined): void {
    if (session !== undefined) session.visits += 1;
  }

  /** A visit is over. */
  leave(session: Session | undefined): void {
    if (session === undefined) return;
    session.visits -= 1;
    this.#used(session);
  }

  /** Counts work as a use of a session, from beginning to end. */
  async during(session: Session | undefined, work: () => Promise<void>): Promise<void> {
    this.enter(session);
    try {
      await work();
    } finally {
      this.leave(session);
    }
  }

  /** Those whose agents have gone without a word. */
  abandoned(): Session[] {
    const now = this.#clock.steady();
    return this.all().filter((s) => !isOpening(s) && s.visits === 0 && now - s.usedAt > (s.cameBack ? IDLE_MS : UNUSED_MS));
  }

  /**
   * If a server has as many sessions as it may have, one of this agent ends: the first that it was told of and never came back to,
   * else the one that it has not used for longest. Many agents never say that they are done with one. If it has none to give, an
   * agent that has more than it has gives way, so that nobody can lock others out: with an idle one, else with one that only listens.
   * Sessions with a call under way stay. @throws SecretsError `sessionLimit`.
   */
  #makeRoom(server: string, agent: string): void {
    const open = this.of(server);
    if (open.length < MAX_PER_SERVER) return;
    const begun = this.#clock.steady() - BEGINNING_MS;
    const spare = open
      .filter((s) => !isOpening(s) && s.visits === s.streams && (s.cameBack || s.usedAt < begun))
      .sort((a, b) => Number(a.cameBack) - Number(b.cameBack) || a.usedAt - b.usedAt);
    const idle = spare.filter((s) => s.visits === 0);
    const share = (of: string): number => open.filter((s) => s.agent === of).length;
    const ofRichest = (those: readonly Session[]): Session | undefined =>
      those.filter((s) => share(s.agent) > share(agent)).sort((a, b) => share(b.agent) - share(a.agent))[0];
    const given = idle.find((s) => s.agent === agent) ?? ofRichest(idle) ?? ofRichest(spare);
    if (given === undefined) throw new SecretsError('sessionLimit', { server, limit: MAX_PER_SERVER });
    this.#sessions.delete(given.id);
    this.#end(given);
  }

  #used(session: Session): void {
    session.usedAt = this.#clock.steady();
    session.cameBack = true;
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

/** Asked of the answer itself: one that waits behind others on its connection is over long before that closes. */
function isOpening({ opening }: Session): boolean {
  return opening?.ended === false;
}
