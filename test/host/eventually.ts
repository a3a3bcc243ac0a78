import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Limits for what a user interface needs to get somewhere; generous, because test machines are slow, and twice the 30
 * seconds after which the product looks again at what it may have missed.
 */
export const uiLimitMs = 60_000;

/**
 * Calls `probe` until it returns something other than undefined, and resolves with that.
 * Rejects, naming `what`, after `limitMs`; an error thrown by the last probe becomes the cause.
 */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined> | T | undefined, limitMs = uiLimitMs): Promise<T> {
  // The clock of the machine may be set meanwhile; this one only goes on.
  const end = performance.now() + limitMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) throw new Error(`did not happen in ${String(limitMs)} ms: ${what}`, { cause });
    await sleep(100);
  }
}
