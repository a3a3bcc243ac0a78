import { parseArgs } from 'node:util';
import { contestantNames } from './contestants';
import type { ContestantName } from './contestants';

/** How much is measured. Many short rounds rather than few long ones: the machine drifts less within one. */
export interface Plan {
  readonly rounds: number;
  /** Calls in each round, one at a time. */
  readonly sequential: number;
  /** Calls in each round, `inFlight` at a time. */
  readonly concurrent: number;
  readonly inFlight: number;
  /** The very first calls of all, measured by themselves. */
  readonly cold: number;
  /** Calls before the first round, of each kind: V8 goes on compiling for thousands of calls, and a proxy runs for days. */
  readonly warmup: number;
}

/** What the command line asks for. */
export interface Options {
  readonly plan: Plan;
  readonly json: boolean;
  readonly only: readonly ContestantName[];
}

/** How `bench` is used, for wrong usage and `--help`. */
export const usage = `usage: npm run bench -- [--quick] [--json] [--only NAME,…]
  --quick   a short run, for a look
  --json    one JSON object on stdout
  --only    of ${contestantNames.join(', ')}`;

const full: Plan = { rounds: 24, sequential: 125, concurrent: 480, inFlight: 32, cold: 500, warmup: 6_000 };
const quick: Plan = { rounds: 5, sequential: 100, concurrent: 320, inFlight: 32, cold: 500, warmup: 500 };

/** Reads the command line. Throws on anything it does not know. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, only: { type: 'string' } },
  });
  const asked = values.only?.split(',');
  const unknown = asked?.find((name) => !contestantNames.some((known) => known === name));
  if (unknown !== undefined) {
    throw new Error(`no contestant ${unknown}`);
  }
  return {
    plan: values.quick === true ? quick : full,
    json: values.json === true,
    only: contestantNames.filter((name) => asked?.includes(name) !== false),
  };
}
