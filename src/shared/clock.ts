/** Where the time comes from. */
export interface Clock {
  /** The time of day: milliseconds since 1970-01-01T00:00:00Z. Somebody may set it, also back. */
  now(): number;
  /** For spans: milliseconds since some moment, with fractions. It only goes on, whoever sets the time. */
  steady(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() };
