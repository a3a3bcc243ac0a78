import type { Clock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import { isSubscription } from '../call';
import type { Call, CallEnd, Interceptor } from '../call';

/** A server that fails this often in a row is left alone for a while. */
const MAX_FAILURES = 5;
/** How long at first; twice as long after each try that fails. */
const FIRST_REST_MS = 10_000;
const LONGEST_REST_MS = 5 * 60_000;
/** More than this is a time of day that somebody has set. */
const CLOCKS_DIFFER_MS = 500;

/** The ends of calls that say that the server cannot be used. A server that answers with an error can. */
const FAILURES: ReadonlySet<string> = new Set([
  'upstreamUnreachable', 'upstreamTimeout', 'upstreamNonsense', 'upstreamStatus', 'upstreamClosed', 'childExited',
]); // prettier-ignore

interface Trouble {
  failures: number;
  restMs: number;
  /** As `Clock.steady`; `undefined` while the failures are few. */
  until: number | undefined;
  /** The time of day that was told for it. */
  told: number;
  /** The one call that was let through to see whether the server works again. */
  probe: Call | undefined;
}

/** What the breaker needs of the rest. */
export interface BreakerOptions {
  readonly clock: Clock;
  /** What a server failed with last, in words. */
  readonly why: (server: string) => string | undefined;
}

/**
 * Leaves a server alone that fails again and again: calls are refused at once. After a time one call is let through; when it
 * is answered, all are.
 */
export class Breaker implements Interceptor {
  readonly #options: BreakerOptions;
  readonly #troubles = new Map<string, Trouble>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** When a server that is left alone is tried again, in ms since the epoch. */
  restsUntil(server: string): number | undefined {
    const trouble = this.#troubles.get(server);
    if (trouble?.until === undefined) return undefined;
    const { clock } = this.#options;
    const time = Math.round(clock.now() + trouble.until - clock.steady());
    // The two clocks do not go quite alike: as long as nobody sets the time, it is the same at each look.
    if (Math.abs(time - trouble.told) > CLOCKS_DIFFER_MS) trouble.told = time;
    return trouble.told;
  }

  /** Lets every call to a server through again; to all servers, if none is named. */
  reset(server?: string): void {
    if (server === undefined) this.#troubles.clear();
    else this.#troubles.delete(server);
  }

  before(call: Call): void {
    const trouble = this.#troubles.get(call.server);
    if (trouble?.until === undefined) return;
    const left = trouble.until - this.#options.clock.steady();
    // Of a subscription it would be known hours later whether the server works.
    if (left <= 0 && trouble.probe === undefined && !isSubscription(call)) {
      trouble.probe = call;
      return;
    }
    throw new SecretsError('serverResting', {
      server: call.server,
      failures: trouble.failures,
      seconds: Math.max(1, Math.ceil(left / 1000)),
      why: this.#options.why(call.server) ?? 'its messages are in the MCP Secrets log (on the command line: on standard error).',
    });
  }

  after(call: Call, { outcome, errorKind = '' }: CallEnd): void {
    const answered = outcome === 'ok' || errorKind === 'tool' || errorKind.startsWith('rpc:');
    if (answered) {
      // That ends well when its agent goes, which says nothing of the server.
      if (!isSubscription(call)) this.#troubles.delete(call.server);
    } else if (FAILURES.has(errorKind)) this.#failed(call);
    else this.#endProbe(call);
  }

  /** A probe that was cancelled says nothing: the next call is one. */
  #endProbe(call: Call): void {
    const trouble = this.#troubles.get(call.server);
    if (trouble?.probe === call) trouble.probe = undefined;
  }

  #failed(call: Call): void {
    const trouble = this.#troubles.get(call.server) ?? { failures: 0, restMs: FIRST_REST_MS, until: undefined, told: 0, probe: undefined };
    this.#troubles.set(call.server, trouble);
    trouble.failures += 1;
    if (trouble.failures < MAX_FAILURES) return;
    // Calls that were under way when it was opened prolong nothing.
    if (trouble.until !== undefined && trouble.probe !== call) return;
    if (trouble.probe === call) trouble.restMs = Math.min(trouble.restMs * 2, LONGEST_REST_MS);
    trouble.probe = undefined;
    trouble.until = this.#options.clock.steady() + trouble.restMs;
  }
}
