const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [365 * 86_400_000, 'year'],
  [30 * 86_400_000, 'month'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
];

/** How long ago something was: `just now`, `2 days ago`. */
export function ago(then: number, now = Date.now()): string {
  const ms = now - then;
  for (const [length, unit] of UNITS) {
    if (ms >= length) return `${count(Math.floor(ms / length), unit)} ago`;
  }
  return 'just now';
}

/** How long it is until something: `in 2 days`. Rounded, so that what was set to 30 days reads like it. */
export function ahead(then: number, now = Date.now()): string {
  const ms = then - now;
  for (const [length, unit] of UNITS) {
    if (Math.round(ms / 60_000) * 60_000 >= length) return `in ${count(Math.round(ms / length), unit)}`;
  }
  return 'in less than a minute';
}

/** A span of time: `30 days`, `1 year`, `12 hours`. In days rather than in months, which differ. */
export function span(ms: number): string {
  for (const [length, unit] of UNITS) {
    if (unit !== 'month' && ms >= length && (unit !== 'year' || ms % length === 0)) return count(Math.round(ms / length), unit);
  }
  return count(Math.round(ms / 60_000), 'minute');
}

/** A moment as a date, in the user's own way of writing it. */
export function date(ms: number): string {
  return new Date(ms).toLocaleDateString();
}

/** `1 secret`, `2 secrets`. */
export function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** `12 ms`, `3.4 s`. */
export function duration(ms: number): string {
  return ms < 1_000 ? `${String(Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** What there is of the parts, with dots between. */
export function dotted(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' · ');
}
