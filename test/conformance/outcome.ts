/** One check of the suite, as it writes it. */
export interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/** What a scenario came to. */
export interface Outcome {
  /** How many checks passed. A check that only reports, or that was left out, counts as nothing. */
  readonly passed: number;
  /** The checks that failed, each with its reason. */
  readonly failed: readonly string[];
  /** The checks that found something that should be, but need not. */
  readonly warned: readonly string[];
}

/** Of what left no results, or none that can be read. */
export const brokeOff: Outcome = { passed: 0, failed: ['it broke off'], warned: [] };

/** What became of a scenario: `passed` may be with warnings; `unchecked` if the suite found nothing in it to check. */
export type Verdict = 'passed' | 'failed' | 'unchecked' | 'not run';

/** Counts the checks of a scenario. */
export function outcomeOf(checks: readonly Check[]): Outcome {
  const withStatus = (status: string): string[] =>
    checks.filter((check) => check.status === status).map(({ id, errorMessage }) => `${id}: ${errorMessage ?? ''}`);
  return { passed: withStatus('SUCCESS').length, failed: withStatus('FAILURE'), warned: withStatus('WARNING') };
}

/** The verdict on an outcome: without one it was not run. */
export function verdictOf(outcome: Outcome | undefined): Verdict {
  if (outcome === undefined) return 'not run';
  if (outcome.failed.length > 0) return 'failed';
  return outcome.passed + outcome.warned.length === 0 ? 'unchecked' : 'passed';
}

/** How an outcome stands in a table. */
export function shown(outcome: Outcome | undefined): string {
  const verdict = verdictOf(outcome);
  if (outcome === undefined || verdict === 'unchecked') return verdict;
  const { passed, failed, warned } = outcome;
  const notes = [
    ...(failed.length > 0 ? [`${String(failed.length)} failed`] : []),
    ...(warned.length > 0 ? [`${String(warned.length)} warned`] : []),
  ];
  return [`${verdict === 'passed' ? '✓' : '✗'} ${String(passed)}`, ...notes].join(', ');
}
