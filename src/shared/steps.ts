import { setImmediate } from 'node:timers/promises';

/** Work that can be interrupted wherever it yields: from one `yield` to the next it takes a few milliseconds at most. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** How long work may keep others waiting before it lets them have a turn, in ms. */
const TURN_MS = 8;

/** Does the work in one go. @throws what the work throws. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Does the work in turns, with everything else that the event loop has to do in between. Rejects with what the work throws. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const until = performance.now() + TURN_MS;
    do {
      const step = steps.next();
      if (step.done === true) {
        // What comes next is not part of a turn that was long already.
        if (performance.now() > until) await setImmediate();
        return step.value;
      }
    } while (performance.now() < until);
    await setImmediate();
  }
}
