import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ClientTargets } from './clientTargets';
import { rowsOf } from './comparison';
import type { Row } from './comparison';
import { verdictOf } from './outcome';
import type { Outcome } from './outcome';
import { counts, remarks, setsAreEqual, tables, writeTables } from './report';
import type { LegRows } from './report';
import { runSuite } from './runSuite';
import type { Aim } from './runSuite';
import { ServerTargets } from './serverTargets';
import { alone, installSuites, legs, suiteNode, titleOf } from './suites';
import type { Leg } from './suites';

/** So many failures on a way are no matter of a busy machine. */
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
  installSuites(say);
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
    return rowsOf(outcomes);
  } finally {
    await targets.close();
  }
}

/** A few failures are run once more, alone: the suite has time limits of its own, down to half a second, and the machine may be busy. */
async function outcomesAt(node: string, leg: Leg, aim: Aim): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const args of leg.runs)
    for (const [scenario, outcome] of await runSuite(node, leg.suite, aim, args)) outcomes.set(scenario, outcome);
  const failed = [...outcomes].filter(([, outcome]) => verdictOf(outcome) === 'failed');
  if (failed.length > MANY) return outcomes;
  for (const [scenario, outcome] of failed) {
    say(`  once more: ${scenario}: ${outcome.failed.join('; ')}`);
    for (const [name, second] of await runSuite(node, leg.suite, aim, alone(leg, scenario))) outcomes.set(name, second);
  }
  return outcomes;
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
