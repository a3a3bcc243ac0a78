import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outcomeOf } from './outcome';
import type { Check, Outcome } from './outcome';
import { suiteScript } from './suites';
import type { SuiteVersion } from './suites';

/** One run of the suite takes longer than this only if it hangs, in ms. */
const LIMIT_MS = 300_000;

/** What a run of the suite is pointed at: its command with what that needs to find the other side, and variables for what it starts. */
export interface Aim {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs the suite. @param args what to run of it.
 * @returns the outcome of each scenario. Rejects if nothing was run.
 */
export async function runSuite(
  node: string,
  suite: SuiteVersion,
  { command, env }: Aim,
  args: readonly string[],
): Promise<Map<string, Outcome>> {
  const folder = mkdtempSync(join(tmpdir(), 'mcps-conformance-'));
  try {
    const said = await finished(node, [suiteScript(suite), ...command, '--output-dir', folder, ...args], env);
    const outcomes = new Map(readdirSync(folder).map((name) => [scenarioOf(name, command[0]), outcomeIn(join(folder, name))]));
    if (outcomes.size === 0) throw new Error(`the suite ran nothing: ${said.slice(-2000)}`);
    return outcomes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Results are in `<scenario>-<time>`, those of servers with `server-` before that. */
function scenarioOf(name: string, side: string | undefined): string {
  return (side === 'server' ? name.replace(/^server-/, '') : name).replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
}

/** A scenario that broke off has left no checks. */
function outcomeIn(folder: string): Outcome {
  const file = join(folder, 'checks.json');
  if (!existsSync(file)) return { passed: 0, failed: ['it broke off'], warned: [] };
  return outcomeOf(JSON.parse(readFileSync(file, 'utf8')) as Check[]);
}

/** Its exit code says that a check failed, which the results say better. @returns what it said. */
function finished(node: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('close', () => {
      resolve(said);
    });
  });
}
