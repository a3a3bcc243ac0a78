import { brokeOff, verdictOf } from './outcome';
import type { Outcome } from './outcome';
import { runNameOf, scenarioOf } from './suites';
import type { Leg } from './suites';

/** A scenario and what it came to on each way. */
export interface Row {
  readonly scenario: string;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** A scenario that does not have to end on a way as it ends directly, with the reason. */
export interface Exclusion {
  readonly side: Leg['side'];
  readonly protocol: Leg['protocol'];
  readonly way: string;
  readonly scenario: string;
  readonly why: string;
}

/** As few as can be. */
export const exclusions: readonly Exclusion[] = [
  {
    side: 'server',
    protocol: '2025-11-25',
    way: 'stdio',
    scenario: 'server-sse-polling',
    why: 'it is about HTTP streams that a server closes before it has answered (SEP-1699); a stdio server has none to close',
  },
];

/** Why a row is not compared on a way, if it is not. */
export function exclusionOf({ side, protocol }: Leg, { scenario }: Row, way: string): Exclusion | undefined {
  return exclusions.find((e) => e.side === side && e.protocol === protocol && e.way === way && e.scenario === scenario);
}

/**
 * The ways on which a row ends otherwise than directly, without being excluded. What broke off directly differs on every way: it says
 * nothing that anything could be equal to.
 */
export function differences(leg: Leg, row: Row): string[] {
  const direct = row.outcomes.get('direct');
  const differs = (way: string): boolean => direct === brokeOff || verdictOf(row.outcomes.get(way)) !== verdictOf(direct);
  return leg.ways.filter((way) => differs(way) && exclusionOf(leg, row, way) === undefined);
}

/**
 * The scenarios that are worth a second try on a way: what failed there, and what did not pass there and differs from direct. Directly
 * that is what another way differs from. Never what passed: a second try of that could only hide a difference. Never a whole run that
 * broke off: it has had its second try.
 */
export function toRunAgain(leg: Leg, rows: readonly Row[], way: string): Row[] {
  return rows.filter((row) => {
    const verdict = verdictOf(row.outcomes.get(way));
    const isWholeRun = leg.runs.some((args) => scenarioOf(args) === undefined && runNameOf(args) === row.scenario);
    if (verdict === 'passed' || isWholeRun) return false;
    const different = differences(leg, row);
    return verdict === 'failed' || (way === 'direct' ? different.length > 0 : different.includes(way));
  });
}

/** Puts the outcomes of each way side by side. */
export function rowsOf(outcomes: ReadonlyMap<string, ReadonlyMap<string, Outcome>>): Row[] {
  const scenarios = new Set([...outcomes.values()].flatMap((found) => [...found.keys()]));
  return [...scenarios].sort().map((scenario) => {
    const found = [...outcomes].flatMap(([way, of]) => {
      const outcome = of.get(scenario);
      return outcome === undefined ? [] : [[way, outcome] as const];
    });
    return { scenario, outcomes: new Map(found) };
  });
}
