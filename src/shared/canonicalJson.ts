import { createHash } from 'node:crypto';

/**
 * The SHA-256 of a JSON value, as 64 hex digits. Equal values give equal digests whatever the order
 * of their keys (RFC 8785).
 */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

/**
 * A JSON value as its one canonical text (RFC 8785): keys in the order of their UTF-16 units, everything else as
 * `JSON.stringify` has it. Throws RangeError for a value that is nested thousands of levels deep.
 */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === undefined ? 'null' : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
