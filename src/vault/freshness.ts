import type { SecretInfo } from './secret';

/** How a secret stands: `expired` and `expiring` by its expiry date, `due` by how often it should get a new value. */
export type Freshness = 'fresh' | 'expiring' | 'due' | 'expired';

/** So long before the end a secret counts as `expiring`, in ms: a week. */
export const EXPIRING_MS = 7 * 86_400_000;

/** How a secret stands at a moment. @param now ms since the epoch. */
export function freshnessOf({ expiresAt, rotateEveryMs, updatedAt }: SecretInfo, now: number): Freshness {
  if (expiresAt !== undefined && expiresAt <= now) return 'expired';
  if (expiresAt !== undefined && expiresAt - EXPIRING_MS <= now) return 'expiring';
  if (rotateEveryMs !== undefined && updatedAt + rotateEveryMs <= now) return 'due';
  return 'fresh';
}
