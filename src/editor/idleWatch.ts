import type { Clock } from '../shared/clock';
import type { Disposable } from '../shared/disposable';

/** The longest time between two looks: a timer stands still while the machine sleeps, and is late by as much. */
const LOOK_MS = 10_000;

/** One moment on both clocks of the machine. */
interface Moment {
  readonly wall: number;
  readonly steady: number;
}

/** Tells when something has not been used for as long as a limit. Says so once; the next use begins a new span. */
export class IdleWatch implements Disposable {
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  #limitMs = 0;
  /** `undefined` when there is nothing to wait for. */
  #lastUse: Moment | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Waits for nothing until `start`. @param onIdle called from a timer, not from within `used`; must not throw. */
  constructor(clock: Clock, onIdle: () => void) {
    this.#clock = clock;
    this.#onIdle = onIdle;
  }

  /** Begins a new span, whatever was before. @param limitMs 0: there is no limit, nothing is waited for. */
  start(limitMs: number): void {
    this.dispose();
    this.#limitMs = limitMs;
    this.used();
  }

  /** Says that it was used just now. A use after the limit comes too late: it does not count, even if nobody has looked in time. */
  used(): void {
    if (!(this.#limitMs > 0)) return;
    if (this.#restMs() > 0) {
      this.#lastUse = this.#now();
      this.#timer ??= this.#lookIn(this.#limitMs);
    } else {
      clearTimeout(this.#timer);
      this.#timer = this.#lookIn(0);
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastUse = undefined;
  }

  #look(): void {
    const restMs = this.#restMs();
    if (restMs > 0) {
      this.#timer = this.#lookIn(restMs);
      return;
    }
    this.dispose();
    this.#onIdle();
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), Math.min(Math.ceil(ms), LOOK_MS)).unref();
  }

  /**
   * How long it may still stay unused. The longer span counts: one clock may stand still while the machine sleeps, the other
   * one may be set back.
   */
  #restMs(): number {
    if (this.#lastUse === undefined) return this.#limitMs;
    const { wall, steady } = this.#now();
    return this.#limitMs - Math.max(wall - this.#lastUse.wall, steady - this.#lastUse.steady);
  }

  #now(): Moment {
    return { wall: this.#clock.now(), steady: this.#clock.steady() };
  }
}
