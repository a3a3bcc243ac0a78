import type { MochaResult } from './mochaRunner';

/** A stage in which one thing failed. */
export function oneFailure(title: string): MochaResult {
  return { passed: 0, failed: 1, skipped: 0, failures: [title] };
}

/** What a stage came to whose script left this result. An exit code that says more than the result is a failure, too. */
export function withExitCode(name: string, code: number, result: MochaResult): MochaResult {
  if (code === 0 || result.failed > 0) return result;
  return { ...result, failed: 1, failures: [`${name}: ended with code ${String(code)}`] };
}
