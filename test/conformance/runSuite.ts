import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokeOff, outcomeOf } from './outcome';
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
 * @returns the outcome of each scenario; undefined, and what it said on stderr, if it left none or had to be ended: what it did not get
 * to is not known then.
 */
export async function runSuite(
  node: string,
  suite: SuiteVersion,
  { command, env }: Aim,
  args: readonly string[],
): Promise<Map<string, Outcome> | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'mcps-conformance-'));
  try {
    const { said, ended } = await finished(node, [suiteScript(suite), ...command, '--output-dir', folder, ...args], env);
    const outcomes = new Map(readdirSync(folder).map((name) => [scenarioOf(name, command[0]), outcomeIn(join(folder, name))]));
    if (ended && outcomes.size > 0) return outcomes;
    process.stderr.write(`the suite ${ended ? 'ran nothing' : 'was cut off'}: ${said.slice(-2000)}\n`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Results are in `<scenario>-<time>`, those of servers with `server-` before that. */
function scenarioOf(name: string, side: string | undefined): string {
  return (side === 'server' ? name.replace(/^server-/, '') : name).replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
}

/** A scenario that broke off has left no checks, or half a file of them. */
function outcomeIn(folder: string): Outcome {
  try {
    return outcomeOf(JSON.parse(readFileSync(join(folder, 'checks.json'), 'utf8')) as Check[]);
  } catch {
    return brokeOff;
  }
}

interface Finished {
  readonly said: string;
  /** Whether it came to an end by itself. */
  readonly ended: boolean;
}

/** Its exit code says that a check failed, which the results say better. */
function finished(node: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    let said = '';
    const streams = [child.stdout, child.stderr];
    for (const stream of streams) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('exit', (_, signal) => {
      // What it has started may live on and keep them open.
      if (signal !== null) for (const stream of streams) stream.destroy();
    });
    child.once('close', (_, signal) => {
      resolve({ said, ended: signal === null });
    });
  });
}
