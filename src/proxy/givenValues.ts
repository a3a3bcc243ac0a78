import type { Clock } from '../shared/clock';
import type { OpenedSecret } from '../vault/secret';
import { Redactor } from './interceptors/redactor';

/** How long a value is looked for after a server was last given it, in ms. What runs longer (a session, a stream) looks longer. */
const REMEMBER_MS = 10 * 60 * 1000;

interface Given {
  readonly redactor: Redactor;
  /** As `Clock.steady`. */
  at: number;
}

interface ServerValues {
  /** By the `seal`, which no two values share. */
  readonly values: Map<string, Given>;
  /** Finds all of them. */
  redactor: Redactor;
}

/** A redactor, with the values of other servers. */
interface Widened {
  readonly others: Redactor;
  readonly both: Redactor;
}

const NOTHING = new Redactor([]);

/**
 * The values that each server was given in the last ten minutes, so that a former one is found, too, after a rotation. It is
 * the one place where values outlive their call: as strings, in memory, until that time is over or `forget` is called.
 */
export class GivenValues {
  readonly #clock: Clock;
  readonly #rememberMs: number;
  readonly #servers = new Map<string, ServerValues>();
  /** What finds the values of all other servers, by server; made when asked for. */
  readonly #others = new Map<string, Redactor>();
  /** By what is searched for without the values of other servers. */
  #widened = new WeakMap<Redactor, Widened>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, rememberMs = REMEMBER_MS) {
    this.#clock = clock;
    this.#rememberMs = rememberMs;
  }

  /** Remembers what a server is given now. @returns what finds that and what it was given lately; the same object as before if nothing is new. */
  give(server: string, opened: readonly OpenedSecret[]): Redactor {
    const known = this.#servers.get(server) ?? { values: new Map<string, Given>(), redactor: NOTHING };
    const at = this.#clock.steady();
    let isNew = false;
    for (const secret of opened) {
      const given = known.values.get(secret.seal);
      if (given !== undefined) given.at = at;
      else {
        const redactor = new Redactor([secret]);
        known.values.set(secret.seal, { redactor, at });
        known.redactor = known.redactor.with(redactor);
        isNew = true;
      }
    }
    if (known.values.size > 0) {
      this.#servers.set(server, known);
      this.#sweepLater();
    }
    if (isNew) this.#changed();
    return known.redactor;
  }

  /** A server still has what it was given: as if that had been now. @param seals of those values. */
  keep(server: string, seals: Iterable<string>): void {
    const known = this.#servers.get(server);
    if (known === undefined) return;
    const at = this.#clock.steady();
    for (const seal of seals) {
      const given = known.values.get(seal);
      if (given !== undefined) given.at = at;
    }
  }

  /**
   * Finds what a redactor finds, and what servers other than this one were given lately: it may have come to know it in a way of its
   * own. Short values are an ordinary word to a server that was never given them. The same redactor if there is nothing else.
   */
  widened(server: string, redactor: Redactor): Redactor {
    const others = this.#othersOf(server);
    if (others.isEmpty) return redactor;
    const known = this.#widened.get(redactor);
    if (known?.others === others) return known.both;
    const both = redactor.with(others);
    this.#widened.set(redactor, { others, both });
    return both;
  }

  /** Forgets everything at once, for when the vault is locked. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#servers.clear();
    this.#changed();
  }

  /** What was made of the values before may hold some whose time is over. */
  #changed(): void {
    this.#others.clear();
    this.#widened = new WeakMap();
  }

  #othersOf(server: string): Redactor {
    let others = this.#others.get(server);
    if (others !== undefined) return others;
    others = NOTHING;
    for (const [name, { redactor }] of this.#servers) if (name !== server) others = others.with(redactor.withoutWords());
    this.#others.set(server, others);
    return others;
  }

  /** When the value that was given longest ago is due. */
  #sweepLater(): void {
    if (this.#timer !== undefined) return;
    let oldest = Infinity;
    for (const { values } of this.#servers.values()) for (const { at } of values.values()) oldest = Math.min(oldest, at);
    const ms = Math.max(1, oldest + this.#rememberMs - this.#clock.steady());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sweep();
    }, ms).unref();
  }

  #sweep(): void {
    const oldest = this.#clock.steady() - this.#rememberMs;
    for (const [server, known] of this.#servers) {
      const before = known.values.size;
      for (const [key, { at }] of known.values) if (at <= oldest) known.values.delete(key);
      if (known.values.size === 0) this.#servers.delete(server);
      else if (known.values.size < before)
        known.redactor = [...known.values.values()].reduce((all, { redactor }) => all.with(redactor), NOTHING);
      if (known.values.size < before) this.#changed();
    }
    if (this.#servers.size > 0) this.#sweepLater();
  }
}
