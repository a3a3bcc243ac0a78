import { freshnessOf } from '../vault/freshness';
import type { Freshness } from '../vault/freshness';
import type { SecretInfo } from '../vault/secret';
import { ago, ahead, span } from './views/format';

/** How a secret stands. `missing`: a server is bound to it, and it does not exist. `unreadable`: its ciphertext does not open. */
export type SecretState = 'missing' | 'unreadable' | Freshness;

/** What a state looks like. The badge has room for two characters; the words say the same for those who see no colours. */
interface Look {
  readonly icon: string;
  readonly badge?: string;
  readonly color?: string;
}

/** The look of each state. */
export const LOOKS: Record<SecretState, Look> = {
  fresh: { icon: 'key' },
  expiring: { icon: 'watch', badge: '!', color: 'list.warningForeground' },
  due: { icon: 'sync', badge: 'R', color: 'list.warningForeground' },
  expired: { icon: 'error', badge: 'E', color: 'errorForeground' },
  unreadable: { icon: 'warning', badge: 'X', color: 'errorForeground' },
  missing: { icon: 'circle-slash' },
};

/** @param info absent: there is no such secret. @param now ms since the epoch. */
export function stateOf(info: SecretInfo | undefined, unreadable: boolean, now: number): SecretState {
  if (info === undefined) return 'missing';
  return unreadable ? 'unreadable' : freshnessOf(info, now);
}

/** Whether somebody should do something about it now; the view's badge counts these. */
export function needsAttention(state: SecretState): boolean {
  return state === 'expired' || state === 'due' || state === 'unreadable';
}

/** The state in a few words; nothing where there is nothing to say. @param now ms since the epoch. */
export function stateWords(state: SecretState, info: Pick<SecretInfo, 'expiresAt'>, now: number): string | undefined {
  if (state === 'unreadable') return 'cannot be opened';
  if (state === 'due') return 'due for rotation';
  return state === 'expired' || state === 'expiring' ? expiryWords(info, now) : undefined;
}

/** When a value stops being valid, or stopped; nothing if it has no such date. @param now ms since the epoch. */
export function expiryWords({ expiresAt }: Pick<SecretInfo, 'expiresAt'>, now: number): string | undefined {
  if (expiresAt === undefined) return undefined;
  return expiresAt <= now ? `expired ${ago(expiresAt, now)}` : `expires ${ahead(expiresAt, now)}`;
}

/** How often a secret should get a new value; nothing if it need not. */
export function rotationWords({ rotateEveryMs }: Pick<SecretInfo, 'rotateEveryMs'>): string | undefined {
  return rotateEveryMs === undefined ? undefined : `a new value is due every ${span(rotateEveryMs)}`;
}
