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
  let silentMs = 0;
  let totalMs = 0;
  let seen = -1;
  const stop = everyTick(shortest / LOOKS, (elapsedMs) => {
    const read = watched.bytesRead();
    silentMs = (read > seen && seen >= 0) || othersTurn?.() === true ? 0 : silentMs + elapsedMs;
    totalMs += elapsedMs;
    seen = read;
    const late = silentMs >= idleMs ? idleMs : totalMs >= maxMs ? maxMs : undefined;
    if (late === undefined) return;
    stop();
    const seconds = Math.round(late / 1000);
    watched.destroy(new SecretsError(late === idleMs ? 'upstreamTimeout' : 'callTooLong', { server, seconds }));
  });
  return stop;
}
