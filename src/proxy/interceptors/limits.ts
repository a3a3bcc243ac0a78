import { DEFAULT_LIMITS } from '../../bindings/limits';
import type { Rate } from '../../bindings/limits';
import type { Server } from '../../bindings/server';
import type { Clock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import { isSubscription } from '../call';
import type { Call, Interceptor } from '../call';

/** How long a call waits for its turn at most: longer than that, agents do not wait either. */
const MAX_WAIT_MS = 60_000;

/** Requests that take nothing: they are answered at once, and a server that is busy must still answer them. */
const FREE: ReadonlySet<string> = new Set(['initialize', 'ping']);

interface Turn {
  readonly call: Call;
  readonly begin: () => void;
  readonly refuse: () => void;
}

/** The calls of one server. Kept when there are none: it will be called again. */
interface Load {
  /** At most as many as may run at a time. */
  readonly running: Call[];
  readonly waiting: Turn[];
}

/** A bucket of calls that fills up as time goes by. */
interface Bucket {
  left: number;
  /** As `Clock.steady`. */
  filledAt: number;
}

/** Keeps the calls to a server within what its limits allow: so many at a time, others in a queue that ends; so many in a span of time. */
export function limits(clock: Clock): Interceptor {
  const loads = new Map<string, Load>();
  const buckets = new Map<string, Bucket>();
  return {
    before: (call, server) => {
      if (FREE.has(call.method) || isSubscription(call)) return undefined;
      if (server.limits?.rate !== undefined) take(buckets, server, server.limits.rate, clock.steady());
      let load = loads.get(server.name);
      if (load === undefined) loads.set(server.name, (load = { running: [], waiting: [] }));
      return begin(load, call, server);
    },
    after: (call) => {
      const load = loads.get(call.server);
      if (load !== undefined) leave(load, call);
    },
  };
}

function begin(load: Load, call: Call, { name, limits: given }: Server): Promise<void> | undefined {
  const concurrency = given?.concurrency ?? DEFAULT_LIMITS.concurrency;
  const queue = given?.queue ?? DEFAULT_LIMITS.queue;
  if (load.running.length < concurrency) {
    load.running.push(call);
    return undefined;
  }
  const busy = (): SecretsError => new SecretsError('serverBusy', { server: name, concurrency });
  if (load.waiting.length >= queue) throw busy();
  return new Promise((resolve, reject) => {
    const turn: Turn = {
      call,
      begin: () => {
        clearTimeout(timer);
        load.running.push(call);
        resolve();
      },
      refuse: () => {
        clearTimeout(timer);
        reject(busy());
      },
    };
    const timer = setTimeout(() => {
      load.waiting.splice(load.waiting.indexOf(turn), 1);
      turn.refuse();
    }, MAX_WAIT_MS);
    load.waiting.push(turn);
  });
}

/** A call has ended, wherever it was: its place goes to the one that has waited longest. */
function leave(load: Load, call: Call): void {
  const place = load.running.indexOf(call);
  if (place >= 0) {
    load.running.splice(place, 1);
    load.waiting.shift()?.begin();
    return;
  }
  const at = load.waiting.findIndex((turn) => turn.call === call);
  if (at >= 0) load.waiting.splice(at, 1)[0]?.refuse();
}

function take(buckets: Map<string, Bucket>, { name }: Server, { calls, perMs }: Rate, now: number): void {
  const bucket = buckets.get(name) ?? { left: calls, filledAt: now };
  buckets.set(name, bucket);
  const elapsed = now - bucket.filledAt;
  bucket.left = Math.min(calls, bucket.left + (elapsed * calls) / perMs);
  bucket.filledAt = now;
  if (bucket.left < 1) {
    const seconds = Math.max(1, Math.ceil(((1 - bucket.left) * perMs) / calls / 1000));
    throw new SecretsError('rateLimited', { server: name, calls, perSeconds: perMs / 1000, seconds });
  }
  bucket.left -= 1;
}
