import { DEFAULT_LIMITS } from '../../bindings/limits';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import { isSubscription } from '../call';
import type { Call } from '../call';
import { everyTick } from './sharedTicks';

/** How often it is looked whether the time of a call is over. */
const LOOKS = 8;

/** What a server is asked first, in either era: it may still be starting. */
const FIRST: ReadonlySet<string> = new Set(['initialize', 'server/discover']);

/** How long one call may take, in ms. */
export interface CallTimes {
  /** Without a sign of life. */
  readonly silenceMs: number;
  /** In all. */
  readonly ceilingMs: number;
}

/** How long the calls of one post may take. @param callTimeoutMs the user's setting. */
export function callTimes({ limits }: Server, calls: readonly Call[], callTimeoutMs: () => number): CallTimes {
  if (calls.some(isSubscription)) return { silenceMs: Infinity, ceilingMs: Infinity };
  const silenceMs = limits?.callTimeoutMs ?? callTimeoutMs();
  const startMs = calls.some((call) => FIRST.has(call.method)) ? limits?.startTimeoutMs : undefined;
  return { silenceMs: startMs ?? silenceMs, ceilingMs: limits?.maxCallTimeMs ?? DEFAULT_LIMITS.maxCallTimeMs };
}

/** Watches over the time of one call; up to an eighth of it late. Must be stopped when the call ends. */
export class Deadline {
  readonly stop: () => void;
  #silentMs = 0;

  /**
   * @param othersTurn whether silence means nothing now, because the server waits for the agent.
   * @param over is called once, with `upstreamTimeout` or `callTooLong`, unless it was stopped before.
   */
  constructor(server: string, { silenceMs, ceilingMs }: CallTimes, othersTurn: () => boolean, over: (error: SecretsError) => void) {
    const shortest = Math.min(silenceMs, ceilingMs);
    let totalMs = 0;
    const look = (elapsedMs: number): void => {
      totalMs += elapsedMs;
      this.#silentMs += elapsedMs;
      if (totalMs >= ceilingMs) {
        this.stop();
        over(new SecretsError('callTooLong', { server, seconds: Math.round(ceilingMs / 1000) }));
      } else if (othersTurn()) this.extend();
      else if (this.#silentMs >= silenceMs) {
        this.stop();
        over(new SecretsError('upstreamTimeout', { server, seconds: Math.round(silenceMs / 1000) }));
      }
    };
    this.stop = shortest === Infinity ? () => undefined : everyTick(shortest / LOOKS, look);
  }

  /** The server has shown a sign of life. */
  extend(): void {
    this.#silentMs = 0;
  }
}
