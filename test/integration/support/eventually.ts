import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait for something that will happen: far longer than it takes, because test machines are slow and shared. */
const LIMIT_MS = 30_000;

/** Asks again until the answer is something other than undefined. Throws, naming `what`, when that does not come. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() >= end) throw new Error(`did not happen in ${String(LIMIT_MS / 1000)} s: ${what}`);
    await sleep(20);
  }
}

/** Waits until a number is above 0 and the same as 100 ms before, and returns it. */
export async function settled(what: string, count: () => number): Promise<number> {
  return eventually(what, async () => {
    const before = count();
    await sleep(100);
    return before > 0 && count() === before ? before : undefined;
  });
}

/** Waits until a condition holds. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  await eventually(what, async () => ((await holds()) ? true : undefined));
}
