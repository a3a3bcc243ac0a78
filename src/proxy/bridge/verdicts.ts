import { shapeDigest } from '../../bindings/plan';
import type { Server } from '../../bindings/server';
import type { Clock } from '../../shared/clock';
import { isModern } from './era';
import type { Era } from './era';

/** What was found out is believed for this long: servers are updated. */
const TRUSTED_MS = 60 * 60 * 1000;

/**
 * Which eras a server speaks, as far as it is known. A server may speak both. It is found out once per plan, and again when what
 * was found out turns out to be wrong, or is old.
 */
export class Verdicts {
  readonly #clock: Clock;
  readonly #found = new Map<string, { readonly at: number; readonly speaks: boolean }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a server speaks an era; `undefined`: not known. */
  speaks(server: Server, era: Era): boolean | undefined {
    const declared = declaredEra(server);
    if (declared !== undefined) return declared === era;
    const found = this.#found.get(keyOf(server, era));
    return found === undefined || this.#clock.steady() - found.at > TRUSTED_MS ? undefined : found.speaks;
  }

  /** Remembers what was found out. */
  found(server: Server, era: Era, speaks: boolean): void {
    this.#found.set(keyOf(server, era), { at: this.#clock.steady(), speaks });
  }

  /** Forgets what was found out about a server: it did not answer as one that speaks this era. */
  forget(server: Server): void {
    this.#found.delete(keyOf(server, 'legacy'));
    this.#found.delete(keyOf(server, 'modern'));
  }
}

/** The era that a server's kind, or its entry in the servers file, says; `undefined`: to be found out. */
export function declaredEra(server: Server): Era | undefined {
  if (server.type === 'function' || (server.type === 'http' && server.transport === 'sse')) return 'legacy';
  return server.protocol === undefined ? undefined : isModern(server.protocol) ? 'modern' : 'legacy';
}

function keyOf(server: Server, era: Era): string {
  return `${era} ${shapeDigest(server)}`;
}
