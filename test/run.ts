import { parseArgs } from 'node:util';
import type { MochaResult } from './host/mochaRunner';
import type { MochaStageOptions } from './host/stages';
import { commandStage, hostStage, mochaStage, scriptStage } from './host/stages';

interface Finished {
  readonly name: string;
  readonly seconds: number;
  readonly result: MochaResult;
}

const minute = 60_000;

function limits(limitMs: number, testMs: number, grep: string | undefined): MochaStageOptions {
  return { limitMs, testMs, grep };
}

/** In the order they run: what fails fast comes first. */
const stages: Record<string, (grep: string | undefined) => Promise<MochaResult>> = {
  lint: () => commandStage('lint', 'npm', ['run', '--silent', 'lint']),
  build: () => commandStage('build', process.execPath, ['esbuild.js']),
  unit: (grep) => mochaStage('unit', limits(20 * minute, minute, grep)),
  integration: (grep) => mochaStage('integration', limits(120 * minute, 30_000, grep)),
  conformance: () => scriptStage('conformance', 30 * minute, (result) => ['test/conformance/run.ts', '--result', result]),
  vscode: (grep) => hostStage('vscode', limits(40 * minute, 5 * minute, grep)),
  e2e: (grep) => mochaStage('e2e', limits(150 * minute, 5 * minute, grep)),
};

/** `test/run.ts [stage…] [--grep text]`: runs all stages, or those named. */
async function main(): Promise<number> {
  const args = process.argv.slice(2).filter((arg) => arg !== '--');
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { grep: { type: 'string' } } });
  const names = positionals.length > 0 ? positionals : Object.keys(stages);
  const finished: Finished[] = [];
  for (const name of names) {
    const stage = stages[name];
    if (stage === undefined) throw new Error(`no such stage: ${name}; there are ${Object.keys(stages).join(', ')}`);
    print(`\n=== ${name}`);
    const start = Date.now();
    const result = await stage(values.grep);
    finished.push({ name, seconds: (Date.now() - start) / 1000, result });
  }
  return report(finished);
}

function report(finished: readonly Finished[]): number {
  print('\nstage           time  passed  failed  skipped');
  for (const { name, seconds, result } of finished) {
    const cells = [
      `${seconds.toFixed(1)} s`.padStart(8),
      ...[result.passed, result.failed, result.skipped].map((n) => String(n).padStart(8)),
    ];
    print(`${name.padEnd(12)}${cells.join('')}`);
  }
  const failures = finished.flatMap(({ name, result }) => result.failures.map((title) => `  ${name} > ${title}`));
  if (failures.length > 0) print(`\nfailed:\n${failures.join('\n')}`);
  const total = (count: (result: MochaResult) => number): number => finished.reduce((sum, { result }) => sum + count(result), 0);
  const failed = total((result) => result.failed);
  print(`\n${String(total((r) => r.passed))} passed, ${String(failed)} failed, ${String(total((r) => r.skipped))} skipped`);
  return failed === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

// Exiting in the usual way ends the stage that is running, which is in a process group of its own.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

main().then(
  (code) => {
    // Not process.exit(): that could cut off the last line when stdout is a pipe.
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    print('0 passed, 1 failed, 0 skipped');
    process.exitCode = 1;
  },
);
