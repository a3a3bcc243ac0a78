import { createHash } from 'node:crypto';
import { shapeDigest } from '../../bindings/plan';
import type { Call } from '../call';
import type { Session } from '../front/sessions';
import type { Message } from '../jsonRpc';
import type { Visit } from '../visit';
import type { Envelope } from './era';
import { endSession } from './endSession';
import { LegacyServer } from './legacyServer';
import type { LegacyServerOptions } from './legacyServer';
import { Subscriptions } from './subscriptions';

/** Held at most, of all agents; those used least recently go. */
const MAX_HELD = 256;

/** A session held for an agent, with its subscriptions. */
export interface Held {
  readonly server: LegacyServer;
  readonly subscriptions: Subscriptions;
}

interface Entry {
  readonly agent: string;
  readonly name: string;
  readonly plan: string;
  readonly held: Promise<Held | Message>;
}

/**
 * The sessions with legacy servers that are held for modern agents: one for each agent and server, and for each set of capabilities,
 * because a legacy server is told once what its client can do.
 */
export class LegacyServers {
  readonly #options: LegacyServerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #bySession = new WeakMap<Session, Held>();

  constructor(options: LegacyServerOptions) {
    this.#options = options;
  }

  /**
   * The session for an agent's request, opened if need be. @param session one without a handshake to open it in.
   * @returns it, or the answer with which the server has refused the handshake. @throws SecretsError if it cannot be opened.
   */
  async get(visit: Visit, envelope: Envelope, call: Call, session?: Session): Promise<Held | Message> {
    const key = keyOf(visit, envelope);
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.#open(key, visit, envelope, call, session);
    const held = await entry.held;
    if (!('server' in held)) return held;
    if (!held.server.isOpen) {
      this.#forget(key, entry);
      return this.get(visit, envelope, call, session);
    }
    held.server.current = visit.server;
    if (this.#entries.delete(key)) this.#entries.set(key, entry);
    return held;
  }

  /** A session has ended. */
  closed(session: Session): void {
    this.#bySession.get(session)?.subscriptions.close();
  }

  /** Forgets a session that the server does not know any more, or cannot be reached in. */
  drop(held: Held): void {
    for (const [key, entry] of this.#entries)
      void entry.held.then((other) => {
        if (other === held) this.#forget(key, entry);
      }, IGNORED);
    this.#end(held);
  }

  #open(key: string, visit: Visit, envelope: Envelope, call: Call, session: Session | undefined): Promise<Held | Message> {
    const { agent } = visit;
    const { name } = visit.server;
    const plan = shapeDigest(visit.server);
    for (const [otherKey, other] of this.#entries)
      if (other.agent === agent && other.name === name && other.plan !== plan) this.#endEntry(otherKey, other);
    for (const [oldest, entry] of this.#entries) if (this.#entries.size >= MAX_HELD) this.#endEntry(oldest, entry);
    const held = LegacyServer.open(visit, envelope, call, session, this.#options).then((server) => {
      if (!(server instanceof LegacyServer)) return server;
      const opened = { server, subscriptions: new Subscriptions(server) };
      if (server.session !== undefined) this.#bySession.set(server.session, opened);
      return opened;
    });
    const entry: Entry = { agent, name, plan, held };
    this.#entries.set(key, entry);
    held.then(
      (opened) => {
        if (!('server' in opened)) this.#forget(key, entry);
      },
      () => {
        this.#forget(key, entry);
      },
    );
    return held;
  }

  #endEntry(key: string, entry: Entry): void {
    this.#forget(key, entry);
    entry.held.then((held) => {
      if ('server' in held) this.#end(held);
    }, IGNORED);
  }

  #end(held: Held): void {
    held.subscriptions.close();
    endSession(held.server.session, this.#options.sessions, this.#options.upstream);
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}

const IGNORED = (): void => undefined;

function keyOf({ agent, server }: Visit, { capabilities, client }: Envelope): string {
  const claims = createHash('sha256')
    .update(JSON.stringify([capabilities, client]))
    .digest('base64');
  return JSON.stringify([agent, server.name, shapeDigest(server), claims]);
}
