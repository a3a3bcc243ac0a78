import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

/** What a mocha run came to. `failures` holds the full titles of the failed tests and hooks. */
export interface MochaResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
}

/** How to run; `timeoutMs` is the limit of one test. */
export interface MochaRunOptions {
  readonly timeoutMs: number;
  readonly grep?: string | undefined;
}

/**
 * Runs the test files with mocha (`describe`/`it`), prints each test to stdout and resolves with the counts.
 * Failed tests do not reject; a file that cannot be loaded does.
 */
export async function runMochaFiles(files: readonly string[], options: MochaRunOptions): Promise<MochaResult> {
  const mocha = new Mocha({ ui: 'bdd', reporter: 'spec', color: false, timeout: options.timeoutMs });
  if (options.grep !== undefined) mocha.grep(options.grep);
  for (const file of files) mocha.addFile(file);
  await mocha.loadFilesAsync();

  const failures: string[] = [];
  let passed = 0;
  let skipped = 0;
  await new Promise<void>((resolve) => {
    mocha
      .run(() => {
        resolve();
      })
      .on('pass', () => (passed += 1))
      .on('pending', () => (skipped += 1))
      .on('fail', (test) => failures.push(test.fullTitle()));
  });
  return { passed, failed: failures.length, skipped, failures };
}

/** Runs like `runMochaFiles`, and leaves the result in a file for the process that waits for it. */
export async function runMochaInto(resultFile: string, files: readonly string[], options: MochaRunOptions): Promise<MochaResult> {
  const result = await runMochaFiles(files, options);
  writeFileSync(resultFile, JSON.stringify(result));
  return result;
}

/** The test files under a folder, sorted; empty when the folder does not exist. */
export function findTestFiles(folder: string, ending: '.test.ts' | '.test.js'): string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => name.endsWith(ending))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
