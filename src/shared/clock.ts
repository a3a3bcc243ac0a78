/** Where the time comes from. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z; of a clock for spans, since some moment. */
  now(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** For spans of time: it only goes on, whoever sets the machine's clock. With fractions of a millisecond. */
export const steadyClock: Clock = { now: () => performance.now() };
