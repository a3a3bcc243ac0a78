import { Roster } from '../../shared/roster';

/** Those that are called back equally often: a timer for each call under way would cost more than many a call. */
class Round {
  readonly #looks = new Roster<() => void>();
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  add(look: () => void): () => void {
    this.#timer ??= setInterval(() => {
      this.#tick();
    }, this.#ms).unref();
    return this.#looks.add(look);
  }

  #tick(): void {
    for (const look of this.#looks) look();
    if (!this.#looks.isEmpty) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    rounds.delete(this.#ms);
  }
}

/** By how often, in ms. */
const rounds = new Map<number, Round>();

/**
 * Calls back again and again, the first time after `ms` at the latest. Keeps no process running. Returns the means to stop.
 * @param look is given the time since it was last called, in ms, but at most two ticks: when this process stood still, or the machine
 * slept, what others have done meanwhile is still to be read.
 */
export function everyTick(ms: number, look: (elapsedMs: number) => void): () => void {
  let round = rounds.get(ms);
  if (round === undefined) rounds.set(ms, (round = new Round(ms)));
  let last = performance.now();
  return round.add(() => {
    const now = performance.now();
    const elapsedMs = Math.min(now - last, 2 * ms);
    last = now;
    look(elapsedMs);
  });
}
