import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ClientTargets } from './clientTargets';
import { rowsOf, toRunAgain } from './comparison';
import type { Row } from './comparison';
import { brokeOff, verdictOf } from './outcome';
import type { Outcome } from './outcome';
import { counts, remarks, setsAreEqual, tables, writeTables } from './report';
import type { LegRows } from './report';
import { runSuite } from './runSuite';
import type { Aim } from './runSuite';
import { ServerTargets } from './serverTargets';
import { alone, installSuites, legs, runNameOf, scenarioOf, suiteNode, titleOf } from './suites';
import type { Leg } from './suites';

/** More than so many on a way are no matter of a busy machine. */
const MANY = 5;

/**
 * `npm run conformance [-- --write] [--side SIDE] [--protocol VERSION] [--scenario NAME]`: the official suites against our servers and
 * agents, directly and through the proxy. `--write` puts the tables into docs/testing.md, `--result FILE` the counts into a file.
 * Exit code 1 if anything ends otherwise through the proxy than directly.
 */
async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: { write: { type: 'boolean' }, result: text, side: text, protocol: text, scenario: text },
  });
  await installSuites(say);
  const node = await suiteNode();
  const results: LegRows[] = [];
  const { side = '', protocol = '' } = values;
  for (const leg of legs.filter((l) => l.side.includes(side) && l.protocol.includes(protocol))) {
    const wanted = values.scenario === undefined ? leg : { ...leg, runs: [alone(leg, values.scenario)] };
    results.push({ leg, rows: await rowsFor(node, wanted) });
  }
  const equal = setsAreEqual(results);
  print(['', tables(results), '', ...remarks(results), `passed sets equal: ${equal ? 'yes' : 'no'}`].join('\n'));
  if (values.write === true) writeTables(tables(results));
  if (values.result !== undefined) writeFileSync(values.result, JSON.stringify(counts(results)));
  return equal ? 0 : 1;
}

async function rowsFor(node: string, leg: Leg): Promise<Row[]> {
  const targets = await (leg.side === 'server' ? ServerTargets : ClientTargets).start(leg.protocol);
  try {
    const outcomes = new Map<string, Map<string, Outcome>>();
    for (const way of leg.ways) {
      say(`${titleOf(leg)}: ${way}`);
      outcomes.set(way, await outcomesAt(node, leg, targets.aim(way)));
    }
    // Directly first: what the other ways are compared with must stand.
    for (const way of leg.ways)
      for (const [name, second] of await secondOutcomes(node, leg, targets.aim(way), toRunAgain(leg, rowsOf(outcomes), way), way))
        outcomes.get(way)?.set(name, second);
    return rowsOf(outcomes);
  } finally {
    await targets.close();
  }
}

async function outcomesAt(node: string, leg: Leg, aim: Aim): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const args of leg.runs) for (const [scenario, outcome] of await outcomesOfRun(node, leg, aim, args)) outcomes.set(scenario, outcome);
  return outcomes;
}

/**
 * One run of the suite. A run of many scenarios that broke off is done again as a whole, since nobody knows what it did not get to.
 * The second time it counts, under its own name, as what broke off; a run of one scenario does so at once.
 */
async function outcomesOfRun(node: string, leg: Leg, aim: Aim, args: readonly string[]): Promise<ReadonlyMap<string, Outcome>> {
  for (let tries = scenarioOf(args) === undefined ? 2 : 1; tries > 0; tries -= 1) {
    const outcomes = await runSuite(node, leg.suite, aim, args);
    if (outcomes !== undefined) return outcomes;
    say(`  it broke off: ${args.join(' ')}`);
  }
  return new Map([[runNameOf(args), brokeOff]]);
}

/** A few are run once more, alone: the suite has time limits of its own, down to half a second, and the machine may be busy. */
async function secondOutcomes(node: string, leg: Leg, aim: Aim, rows: readonly Row[], way: string): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  if (rows.length > MANY) return outcomes;
  for (const { scenario, outcomes: first } of rows) {
    say(`  once more: ${way}: ${scenario}: ${reasonFor(first.get(way))}`);
    for (const [name, second] of await outcomesOfRun(node, leg, aim, alone(leg, scenario))) outcomes.set(name, second);
  }
  return outcomes;
}

function reasonFor(outcome: Outcome | undefined): string {
  const verdict = verdictOf(outcome);
  return verdict === 'failed' && outcome !== undefined ? outcome.failed.join('; ') : verdict;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
