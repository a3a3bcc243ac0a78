import type { ContestantName } from './contestants';
import type { Load } from './load';
import type { Plan } from './options';

/** What the rounds of one contestant gave: entry n is round n. */
export interface Measured {
  /** Milliseconds of each of the very first calls, made with no other in flight. */
  readonly cold: readonly number[];
  /** Milliseconds of each call made with no other in flight. */
  readonly latencies: (readonly number[])[];
  /** Calls per second with `inFlight` in flight. */
  readonly callsPerSecond: number[];
}

/** Calls that reopen connections and wake up a process before a block is measured. */
const blockWarmup = { sequential: 20, concurrent: 96 };

/**
 * Measures contestants that the load generator has open sessions with, in turns: whatever the machine does
 * meanwhile happens to all of them. Each round begins with another contestant.
 */
export async function measure(
  load: Load,
  names: readonly ContestantName[],
  plan: Plan,
  say: (line: string) => void,
): Promise<Map<ContestantName, Measured>> {
  const results = new Map<ContestantName, Measured>();
  say('warming up');
  for (const name of names) {
    const { latencies: cold } = await load.run(name, { calls: plan.cold, warmup: 0, inFlight: 1 });
    results.set(name, { cold, latencies: [], callsPerSecond: [] });
    await load.run(name, { calls: 0, warmup: plan.warmup, inFlight: 1 });
    await load.run(name, { calls: 0, warmup: plan.warmup, inFlight: plan.inFlight });
  }
  for (let round = 0; round < plan.rounds; round += 1) {
    say(`round ${String(round + 1)} of ${String(plan.rounds)}`);
    const first = round % names.length;
    const order = [...names.slice(first), ...names.slice(0, first)];
    for (const name of order) {
      const block = { calls: plan.sequential, warmup: blockWarmup.sequential, inFlight: 1 };
      results.get(name)?.latencies.push((await load.run(name, block)).latencies);
    }
    for (const name of order) {
      const block = { calls: plan.concurrent, warmup: blockWarmup.concurrent, inFlight: plan.inFlight };
      const { elapsedMilliseconds } = await load.run(name, block);
      results.get(name)?.callsPerSecond.push((plan.concurrent / elapsedMilliseconds) * 1000);
    }
  }
  return results;
}
