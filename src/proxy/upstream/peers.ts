import type { Mode, Server } from '../../bindings/server';
import { messageOf, SecretsError } from '../../shared/errors';
import type { Injection, Injector } from '../injector';
import { Backoff } from './backoff';
import type { OpenChannel } from './channel';
import { Peer } from './peer';
import type { PeerListener, PeerOptions } from './peer';
import type { SessionMemory } from './sessionMemory';

/** A server that was not heard for this long is asked whether it is still there before it gets a call. */
const QUIET_MS = 60_000;
/** How long it has to say so. */
const PING_MS = 10_000;
/** How long until a replacement that failed is tried again by itself; a call tries at once. */
const RENEW_AGAIN_MS = 60_000;

/** What the peers of a session need of the rest. */
export interface PeersOptions<S extends Server> extends PeerOptions {
  readonly injector: Injector;
  readonly callTimeoutMs: () => number;
  readonly open: OpenChannel<S>;
  /** The secrets that a channel is opened with; those of mode `body`, and those that are for certain tools, come with each call. */
  readonly modes: readonly Mode[];
  /** After this long without a call a channel ends, unless its server's limits say otherwise; 0: never. In ms. */
  readonly idleMs: number;
  /** The server as it may be used now without being asked, if it may. */
  readonly usable: (server: S) => S | undefined;
  /** Hears of an end that nobody had asked for, and of what the server said last. */
  readonly crashed: (server: string, error: SecretsError, said: readonly string[]) => void;
  /** Hears that a server that had ended runs again. */
  readonly recovered: (server: string) => void;
}

/** Who listens to the peers of a session. */
export interface PeersListener {
  spoken: (peer: Peer, ...what: Parameters<PeerListener['spoken']>) => string;
  speak: (peer: Peer, ...what: Parameters<PeerListener['speak']>) => void;
  isAsking: (peer: Peer) => boolean;
  gone: (peer: Peer) => void;
  /** Another peer has taken the place of one: news for the agent, JSON texts. */
  replaced: (news: readonly string[]) => void;
}

/**
 * The connections of one session to its server: the current one, and those before it that still work on calls. Sees to it that
 * the current one has the current secrets, answers, and knows what the agent has set; starts it again when it ended by itself.
 */
export class Peers<S extends Server> {
  readonly #options: PeersOptions<S>;
  readonly #listener: PeersListener;
  readonly #memory: SessionMemory;
  /** As the servers file has it now; only its scope can be another one than when the session began. */
  #server: S;
  #current: Peer | undefined;
  #starting: Promise<Peer> | undefined;
  readonly #all = new Set<Peer>();
  readonly #backoff = new Backoff();
  #restart: NodeJS.Timeout | undefined;
  /** As `Clock.steady`. */
  #usedAt: number;
  #renewAfter = 0;
  #ended = false;

  constructor(server: S, memory: SessionMemory, options: PeersOptions<S>, listener: PeersListener) {
    this.#server = server;
    this.#memory = memory;
    this.#options = options;
    this.#listener = listener;
    this.#usedAt = options.clock.steady();
  }

  /** All that are not gone. */
  get all(): ReadonlySet<Peer> {
    return this.#all;
  }

  /** The session is used. */
  touch(): void {
    this.#usedAt = this.#options.clock.steady();
  }

  /**
   * The peer to speak to: the one that is there, or a new one that knows what the agent has set.
   * @param server as the servers file has it now. @param isInitialize whether the agent begins anew.
   * @returns a promise if it takes waiting. @throws SecretsError, or rejects with one, if there is none and none can be had.
   */
  ready(server: S, isInitialize: boolean): Peer | Promise<Peer> {
    this.#server = server;
    if (this.#ended) throw new SecretsError('sessionUnknown', {});
    const peer = this.#current;
    if (peer?.alive !== true || !this.#isCurrent(peer)) return this.#another(isInitialize);
    this.#options.injector.checkExpiry(this.#server, peer.given.seals.keys());
    // By the time of day: the other clock stands still while the machine sleeps, and connections die.
    const quiet = peer.isIdle && Math.abs(this.#options.clock.now() - peer.heardAt) > QUIET_MS;
    if (isInitialize || !quiet) return peer;
    return this.#responds(peer).then((responds) => (responds ? peer : this.#another(isInitialize)));
  }

  async #another(isInitialize: boolean): Promise<Peer> {
    const started = await this.#startOnce(isInitialize);
    // The server may have been switched to another scope while it started.
    return started.server.scope === this.#server.scope ? started : this.ready(this.#server, isInitialize);
  }

  /**
   * To be called now and then: replaces the current peer when a secret has a new value, if no call is under way; ends it when it
   * was not used for as long as it may be idle.
   */
  tend(): void {
    const peer = this.#current;
    if (peer?.alive !== true || !peer.isIdle || !this.#memory.began || this.#starting !== undefined || this.#ended) return;
    const idleMs = this.#server.limits?.idleMs ?? this.#options.idleMs;
    if (idleMs > 0 && this.#options.clock.steady() - this.#usedAt > idleMs && !this.#memory.subscribed) void this.#retire(peer);
    else this.#renew(peer);
  }

  /** Nothing is started any more; calls under way are answered with the error. @returns what is still to be ended. */
  close(why: SecretsError): Peer[] {
    this.#ended = true;
    clearTimeout(this.#restart);
    const peers = [...this.#all];
    for (const peer of peers) peer.fail(why);
    return peers;
  }

  /** Whether a peer has the current values of its secrets. */
  #isCurrent({ server, given }: Peer): boolean {
    return server.scope === this.#server.scope && this.#options.injector.isCurrent(server, given.seals);
  }

  /** Whether a server that was quiet for long still answers. One that does not is gone after this. */
  async #responds(peer: Peer): Promise<boolean> {
    try {
      // Whatever it says to that, it says something.
      await peer.request({ method: this.#memory.initialize === undefined ? 'server/discover' : 'ping' }, PING_MS);
      return peer.alive;
    } catch {
      this.#options.logger.warn(`[${this.#server.name}] does not answer any more and is started again.`);
      if (peer.isIdle) peer.kill();
      return false;
    }
  }

  #startOnce(isInitialize: boolean): Promise<Peer> {
    clearTimeout(this.#restart);
    this.#starting ??= this.#replace(this.#current, isInitialize).finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #replace(old: Peer | undefined, isInitialize: boolean): Promise<Peer> {
    const next = await this.#open();
    if (!isInitialize && this.#memory.began) {
      try {
        await this.#repeat(next);
      } catch (error) {
        void this.#retire(next);
        throw error;
      }
    }
    this.#current = next;
    if (!isInitialize) this.#listener.replaced(this.#memory.changes());
    if (old?.isIdle === true) void this.#retire(old);
    return next;
  }

  async #open(): Promise<Peer> {
    const server = this.#server;
    const injection = await this.#options.injector.inject(server, this.#options.modes);
    if (this.#ended) throw new SecretsError('sessionUnknown', {});
    const peer = this.#newPeer(server, injection);
    this.#all.add(peer);
    try {
      await peer.open(server, this.#options.open);
    } catch (error) {
      this.#all.delete(peer);
      throw error;
    }
    return peer;
  }

  #newPeer(server: S, injection: Injection): Peer {
    const listener = this.#listener;
    const peer: Peer = new Peer(server, injection, this.#options, {
      spoken: (message, text) => listener.spoken(peer, message, text),
      speak: (text, related) => {
        listener.speak(peer, text, related);
      },
      accepted: (request, answer) => {
        this.#backoff.worked();
        this.#memory.accepted(request, answer);
      },
      isAsking: () => listener.isAsking(peer),
      idle: () => {
        if (peer !== this.#current) void this.#retire(peer);
      },
      gone: (error, said) => {
        this.#gone(peer, error, said);
      },
    });
    return peer;
  }

  /** Tells a new peer what the agent had set with those before it. */
  async #repeat(peer: Peer): Promise<void> {
    const { initialize, initialized, settings } = this.#memory;
    if (initialize === undefined) return;
    const { startTimeoutMs, callTimeoutMs } = this.#server.limits ?? {};
    const ms = startTimeoutMs ?? callTimeoutMs ?? this.#options.callTimeoutMs();
    const { error } = await peer.request(initialize, ms);
    if (error !== undefined) throw new SecretsError('upstreamNonsense', { server: this.#server.name, what: 'a refused handshake' });
    if (initialized !== undefined) peer.send(JSON.stringify(initialized));
    await Promise.all(settings.map((setting) => peer.request(setting, ms)));
  }

  /** Replaces a peer whose secrets have new values, if its server may be used at this time. */
  #renew(peer: Peer): void {
    if (this.#isCurrent(peer) || this.#options.clock.steady() < this.#renewAfter) return;
    const server = this.#options.usable(this.#server);
    if (server === undefined) return;
    this.#server = server;
    this.#startOnce(false).catch((error: unknown) => {
      this.#renewAfter = this.#options.clock.steady() + RENEW_AGAIN_MS;
      if (!this.#ended) this.#options.logger.warn(`[${server.name}] could not be started with the new secrets. ${messageOf(error)}`);
    });
  }

  async #retire(peer: Peer): Promise<void> {
    if (this.#current === peer) this.#current = undefined;
    await peer.end();
  }

  #gone(peer: Peer, error: SecretsError, said: readonly string[]): void {
    this.#all.delete(peer);
    this.#listener.gone(peer);
    if (peer.ending || this.#ended) return;
    this.#options.crashed(this.#server.name, error, said);
    if (peer !== this.#current) return;
    this.#current = undefined;
    if (this.#memory.began) this.#restartLater();
  }

  /** Starts a server again that has ended by itself; after some failures, only with the next call. */
  #restartLater(): void {
    const wait = this.#backoff.failed();
    if (wait === undefined || this.#ended) return;
    this.#restart = setTimeout(() => {
      const server = this.#options.usable(this.#server);
      if (server === undefined || this.#ended || this.#current !== undefined) return;
      this.#server = server;
      this.#startOnce(false).then(
        () => {
          this.#options.recovered(server.name);
        },
        () => {
          this.#restartLater();
        },
      );
    }, wait).unref();
  }
}
