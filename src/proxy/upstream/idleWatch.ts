import { SecretsError } from '../../shared/errors';
import type { UpstreamRequest, Watched } from './exchange';

/** How often a request is looked at until its time is over. */
const LOOKS = 8;

/** What looks at all requests that are looked at equally often: a timer for each would cost more than many a request. */
class Round {
  readonly #looks = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  add(look: () => void): () => void {
    this.#looks.add(look);
    this.#timer ??= setInterval(() => {
      this.#look();
    }, this.#ms).unref();
    return () => {
      this.#looks.delete(look);
    };
  }

  #look(): void {
    for (const look of this.#looks) look();
    if (this.#looks.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    rounds.delete(this.#ms);
  }
}

/** By how often they look, in ms. */
const rounds = new Map<number, Round>();

/**
 * Breaks a request off when the upstream has sent nothing for `idleMs`, or when `maxMs` are over; up to an eighth of that later.
 * Counts bytes, so the path of the data has no listener more. Returns the means to stop.
 */
export function watchIdle({ idleMs, maxMs = Infinity, othersTurn, server }: UpstreamRequest, watched: Watched): () => void {
  if (idleMs === 0) return () => undefined;
  const startedAt = performance.now();
  let heardAt = startedAt;
  let seen = -1;
  const ms = Math.max(1, Math.min(idleMs, maxMs) / LOOKS);
  let round = rounds.get(ms);
  if (round === undefined) rounds.set(ms, (round = new Round(ms)));
  const stop = round.add(() => {
    const now = performance.now();
    const read = watched.bytesRead();
    if ((read > seen && seen >= 0) || othersTurn?.() === true) heardAt = now;
    seen = read;
    const late = now - heardAt >= idleMs ? idleMs : now - startedAt >= maxMs ? maxMs : undefined;
    if (late === undefined) return;
    stop();
    const seconds = Math.round(late / 1000);
    watched.destroy(new SecretsError(late === idleMs ? 'upstreamTimeout' : 'callTooLong', { server, seconds }));
  });
  return stop;
}
