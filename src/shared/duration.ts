const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };

/** A span of time in words for machines: `90d`, `12h`, `2w`, `30m`, `45s`, `1y` (365 days). @returns ms; `undefined` if it is none, or not above zero. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6})([smhdwy])$/.exec(text.trim());
  const ms = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? NaN);
  return ms > 0 ? ms : undefined;
}

/**
 * When something ends: a span from now (`90d`) or a day (`2027-01-31`, its end in UTC) or a time (ISO 8601).
 * @returns ms since the epoch; `undefined` if it is none of them.
 */
export function parseMoment(text: string, now: number): number | undefined {
  const span = parseDuration(text);
  if (span !== undefined) return now + span;
  const trimmed = text.trim();
  const day = /^\d{4}-\d{2}-\d{2}$/.test(trimmed);
  if (!day && !/^\d{4}-\d{2}-\d{2}T/.test(trimmed)) return undefined;
  const time = Date.parse(day ? `${trimmed}T23:59:59.999Z` : trimmed);
  return Number.isNaN(time) ? undefined : time;
}

/** A span of time as `parseDuration` reads it, in the largest unit that it is whole in. */
export function formatDuration(ms: number): string {
  const unit = ['y', 'w', 'd', 'h', 'm'].find((u) => ms % (UNITS[u] ?? 1) === 0) ?? 's';
  return `${String(Math.round(ms / (UNITS[unit] ?? 1_000)))}${unit}`;
}
