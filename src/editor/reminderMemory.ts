import * as z from 'zod';

const DAY_MS = 86_400_000;

const noteSchema = z.object({ remindedAt: z.number().optional(), silent: z.number().optional() });

/** What is remembered of a secret: when it was last spoken of (ms since the epoch), and the version that shall not be spoken of. */
export type ReminderNote = Readonly<z.infer<typeof noteSchema>>;

/** Reads what is remembered. */
export const memorySchema = z.record(z.string(), noteSchema);

/** What is remembered, by scope and name. */
export type ReminderMemory = Readonly<Record<string, ReminderNote>>;

/**
 * Whether a secret of this version may be spoken of again: once a day, and not if the user wants no more of that version.
 * @param note `undefined` if nothing is remembered of it. @param now ms since the epoch.
 */
export function maySpeakOf(version: number, note: ReminderNote | undefined, now: number): boolean {
  if (note?.silent === version) return false;
  const ageMs = now - (note?.remindedAt ?? -Infinity);
  // What was noted in the future was noted while the clock was wrong: it must not silence until then.
  return ageMs < 0 || ageMs >= DAY_MS;
}
