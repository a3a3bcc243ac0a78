import { SecretsError } from '../../shared/errors';
import type { UpstreamRequest, Watched } from './exchange';
import { everyTick } from './sharedTicks';

/** How often a request is looked at until its time is over. */
const LOOKS = 8;

/**
 * Breaks a request off when the upstream has sent nothing for `idleMs`, or when `maxMs` are over; up to an eighth of that later.
 * Counts bytes, so the path of the data has no listener more. Returns the means to stop.
 */
export function watchIdle({ idleMs, maxMs = Infinity, othersTurn, server }: UpstreamRequest, watched: Watched): () => void {
  const shortest = Math.min(idleMs, maxMs);
  if (idleMs === 0 || shortest === Infinity) return () => undefined;
  const startedAt = performance.now();
  let heardAt = startedAt;
  let seen = -1;
  const stop = everyTick(shortest / LOOKS, () => {
    const now = performance.now();
    const read = watched.bytesRead();
    if ((read > seen && seen >= 0) || othersTurn?.() === true) heardAt = now;
    seen = read;
    const late = now - heardAt >= idleMs ? idleMs : now - startedAt >= maxMs ? maxMs : undefined;
    if (late === undefined) return;
    stop();
    const seconds = Math.round(late / 1000);
    watched.destroy(new SecretsError(late === idleMs ? 'upstreamTimeout' : 'callTooLong', { server, seconds }));
  });
  return stop;
}
