import { DEFAULT_LIMITS } from '../../bindings/limits';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Call } from '../call';

/** The longest time that a timer of Node can measure, about 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

/** How long one call may take, in ms. */
export interface CallTimes {
  /** Without a sign of life. */
  readonly silenceMs: number;
  /** In all. */
  readonly ceilingMs: number;
}

/** How long the calls of one post may take. @param callTimeoutMs the user's setting. */
export function callTimes({ limits }: Server, calls: readonly Call[], callTimeoutMs: () => number): CallTimes {
  // A subscription (MCP 2026-07-28) is silent for as long as nothing changes.
  if (calls.some((call) => call.method === 'subscriptions/listen')) return { silenceMs: FOREVER_MS, ceilingMs: FOREVER_MS };
  const silenceMs = limits?.callTimeoutMs ?? callTimeoutMs();
  const startMs = calls.some((call) => call.method === 'initialize') ? limits?.startTimeoutMs : undefined;
  return { silenceMs: startMs ?? silenceMs, ceilingMs: limits?.maxCallTimeMs ?? DEFAULT_LIMITS.maxCallTimeMs };
}

/** Watches over the time of one call. Must be stopped when the call ends. */
export class Deadline {
  readonly #server: string;
  readonly #silenceMs: number;
  readonly #silence: NodeJS.Timeout;
  readonly #ceiling: NodeJS.Timeout;

  /**
   * @param othersTurn whether silence means nothing now, because the server waits for the agent.
   * @param over is called once, with `upstreamTimeout` or `callTooLong`, unless it was stopped before.
   */
  constructor(server: string, { silenceMs, ceilingMs }: CallTimes, othersTurn: () => boolean, over: (error: SecretsError) => void) {
    this.#server = server;
    this.#silenceMs = silenceMs;
    const end = (error: SecretsError): void => {
      this.stop();
      over(error);
    };
    this.#silence = setTimeout(() => {
      if (othersTurn()) this.#silence.refresh();
      else end(this.#tooSilent());
    }, silenceMs);
    this.#ceiling = setTimeout(() => {
      end(new SecretsError('callTooLong', { server, seconds: Math.round(ceilingMs / 1000) }));
    }, ceilingMs);
  }

  /** The server has shown a sign of life. */
  extend(): void {
    this.#silence.refresh();
  }

  stop(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#ceiling);
  }

  #tooSilent(): SecretsError {
    return new SecretsError('upstreamTimeout', { server: this.#server, seconds: Math.round(this.#silenceMs / 1000) });
  }
}
