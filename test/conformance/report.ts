import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MochaResult } from '../host/mochaRunner';
import { repoRoot } from '../host/paths';
import { differences, exclusionOf, exclusions } from './comparison';
import type { Row } from './comparison';
import { shown, verdictOf } from './outcome';
import type { Verdict } from './outcome';
import { titleOf } from './suites';
import type { Leg } from './suites';

/** A leg with what its scenarios came to. */
export interface LegRows {
  readonly leg: Leg;
  readonly rows: readonly Row[];
}

const mark = { begin: '<!-- conformance: begin -->', end: '<!-- conformance: end -->' };

/** The tables of all legs, in Markdown. */
export function tables(results: readonly LegRows[]): string {
  return results
    .map(({ leg, rows }) => {
      const lines = rows.map((row) => {
        const cells = leg.ways.map((way) =>
          exclusionOf(leg, row, way) === undefined ? shown(row.outcomes.get(way)) : `(${shown(row.outcomes.get(way))})`,
        );
        return `| ${[row.scenario, ...cells].join(' | ')} |`;
      });
      const head = [`| ${[titleOf(leg), ...leg.ways].join(' | ')} |`, `|${'---|'.repeat(leg.ways.length + 1)}`];
      return [...head, ...lines].join('\n');
    })
    .join('\n\n');
}

/** What failed and why, what was different, what was not checked, and what was left out; in lines. */
export function remarks(results: readonly LegRows[]): string[] {
  const failures = each(results, (leg, row) =>
    leg.ways.flatMap((way) =>
      (row.outcomes.get(way)?.failed ?? []).map((check) => `failed: ${titleOf(leg)}, ${row.scenario}, ${way}: ${check}`),
    ),
  );
  const different = each(results, (leg, row) => differences(leg, row).map((way) => `different: ${titleOf(leg)}, ${row.scenario}, ${way}`));
  const unchecked = each(results, (leg, row) =>
    leg.ways.every((way) => verdictOf(row.outcomes.get(way)) === 'unchecked')
      ? [`skipped: ${titleOf(leg)}, ${row.scenario}: the suite checks nothing there, directly or otherwise`]
      : [],
  );
  return [
    ...failures,
    ...different,
    ...unchecked,
    ...exclusions.map(({ side, protocol, scenario, way, why }) => `left out: ${side}, ${protocol}, ${scenario}, ${way}: ${why}`),
  ];
}

/** Whether every scenario ends through the proxy as it ends directly. */
export function setsAreEqual(results: readonly LegRows[]): boolean {
  return each(results, differences).length === 0;
}

/**
 * The same as counts: a test is one scenario on one way. Every difference is a failure, also where nothing has failed: what passes
 * directly and is not checked through the proxy is lost. Skipped is what is left out, and what is checked on no way.
 */
export function counts(results: readonly LegRows[]): MochaResult {
  const cells = each(results, (leg, row) => {
    const different = differences(leg, row);
    const direct = verdictOf(row.outcomes.get('direct'));
    return leg.ways.map((way): Cell => {
      const title = `${titleOf(leg)} > ${row.scenario} > ${way}`;
      if (exclusionOf(leg, row, way) !== undefined) return { title, verdict: 'unchecked' };
      const verdict = verdictOf(row.outcomes.get(way));
      return different.includes(way) ? { title: `${title}: ${verdict}, directly ${direct}`, verdict: 'failed' } : { title, verdict };
    });
  });
  const failures = cells.filter(({ verdict }) => verdict === 'failed' || verdict === 'not run').map(({ title }) => title);
  const count = (wanted: Verdict): number => cells.filter(({ verdict }) => verdict === wanted).length;
  return { passed: count('passed'), failed: failures.length, skipped: count('unchecked'), failures };
}

/** A scenario on one way, as it counts. */
interface Cell {
  readonly title: string;
  readonly verdict: Verdict;
}

/** Puts the tables into docs/testing.md. */
export function writeTables(text: string): void {
  const path = join(repoRoot, 'docs', 'testing.md');
  const content = readFileSync(path, 'utf8');
  const [before, rest] = content.split(mark.begin);
  const after = rest?.split(mark.end)[1];
  if (before === undefined || after === undefined) throw new Error(`${path} has no place for the tables`);
  writeFileSync(path, `${before}${mark.begin}\n\n${text}\n\n${mark.end}${after}`);
}

function each<T>(results: readonly LegRows[], look: (leg: Leg, row: Row) => T[]): T[] {
  return results.flatMap(({ leg, rows }) => rows.flatMap((row) => look(leg, row)));
}
