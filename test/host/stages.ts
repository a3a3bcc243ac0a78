import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MochaResult } from './mochaRunner';
import { findTestFiles } from './mochaRunner';
import { repoRoot } from './paths';
import { runMocha } from './runMocha';
import { oneFailure, withExitCode } from './stageResult';

const nothing: MochaResult = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** A stage that is one command, and counts as one test with this name. */
export async function commandStage(name: string, command: string, args: readonly string[]): Promise<MochaResult> {
  const code = await runChild(command, args, 600_000);
  return code === 0 ? { ...nothing, passed: 1 } : oneFailure(`${name}: ${code === undefined ? 'took too long' : 'failed'}`);
}

/** How a mocha stage runs: `limitMs` is for all its tests, `testMs` for one. */
export interface MochaStageOptions {
  readonly limitMs: number;
  readonly testMs: number;
  readonly grep: string | undefined;
}

/**
 * The tests under `test/<folder>`, with mocha in a Node process of their own, so that a crash or a hang of one stage
 * is one failure and the next stages still run. No folder: nothing to do. A folder without tests: a failure.
 */
export async function mochaStage(folder: string, { limitMs, testMs, grep }: MochaStageOptions): Promise<MochaResult> {
  const none = withoutTests(folder);
  if (none !== undefined) return none;
  const path = join(repoRoot, 'test', folder);
  const stage = join(repoRoot, 'test', 'host', 'mochaStage.ts');
  return scriptStage(folder, limitMs, (file) => [stage, path, file, String(testMs), ...(grep === undefined ? [] : [grep])]);
}

/** A stage that is a script of its own, which leaves its result in a file. @param args the script and its arguments, given that file. */
export async function scriptStage(name: string, limitMs: number, args: (resultFile: string) => readonly string[]): Promise<MochaResult> {
  const temp = await mkdtemp(join(tmpdir(), 'mcps-stage-'));
  const resultFile = join(temp, 'results.json');
  try {
    const code = await runChild(process.execPath, ['--import', 'tsx', ...args(resultFile)], limitMs);
    if (code === undefined) return oneFailure(`${name}: took longer than ${String(limitMs / 60_000)} minutes`);
    if (!existsSync(resultFile)) return oneFailure(`${name}: crashed with code ${String(code)}`);
    return withExitCode(name, code, JSON.parse(await readFile(resultFile, 'utf8')) as MochaResult);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

/** The tests under `test/vscode`, with mocha inside VS Code's extension host. */
export async function hostStage(folder: string, { limitMs, grep }: MochaStageOptions): Promise<MochaResult> {
  return withoutTests(folder) ?? (await runMocha({ grep, limitMs }).catch((error: unknown) => oneFailure(`${folder}: ${String(error)}`)));
}

function withoutTests(folder: string): MochaResult | undefined {
  const path = join(repoRoot, 'test', folder);
  if (!existsSync(path)) return nothing;
  return findTestFiles(path, '.test.ts').length === 0 ? oneFailure(`${folder}: has no tests`) : undefined;
}

/** Resolves with the exit code, or undefined when the child had to be ended after the limit. */
function runChild(command: string, args: readonly string[], limitMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    // A group of its own, so that the limit also ends what the child has started.
    const child = spawn(command, args, { cwd: repoRoot, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const end = (signal: NodeJS.Signals): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // Nothing of it is left.
      }
    };
    // Asked first: a stage that gets to its end also ends the VS Code that it has open.
    const ask = (): void => end('SIGTERM');
    process.once('exit', ask);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      ask();
    }, limitMs);
    const lastLimit = setTimeout(() => end('SIGKILL'), limitMs + 10_000);
    const done = (code: number): void => {
      clearTimeout(limit);
      clearTimeout(lastLimit);
      process.off('exit', ask);
      end('SIGKILL');
      resolve(late ? undefined : code);
    };
    child.once('error', () => done(1));
    child.once('exit', (code) => done(code ?? 1));
  });
}
