import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/**
 * The SHA-256 of a JSON value, as 64 hex digits. Equal values give equal digests whatever the order
 * of their keys (RFC 8785).
 */
export function digestOf(value: unknown): string {
  const text = canonicalize(value);
  return createHash('sha256')
    .update(text ?? 'undefined')
    .digest('hex');
}
