import { findTestFiles, runMochaInto } from './mochaRunner';

/** Child process of `test/run.ts`: one mocha stage in Node. Arguments: folder, result file, timeout in ms, [grep]. */
async function main([folder, resultFile, timeoutMs, grep]: readonly string[]): Promise<number> {
  if (folder === undefined || resultFile === undefined) throw new Error('usage: mochaStage FOLDER RESULT_FILE TIMEOUT_MS [GREP]');
  const result = await runMochaInto(resultFile, findTestFiles(folder, '.test.ts'), { timeoutMs: Number(timeoutMs), grep });
  return result.failed === 0 ? 0 : 1;
}

// Exiting in the usual way lets a launch end its processes.
process.once('SIGTERM', () => process.exit(143));

main(process.argv.slice(2)).then(
  // Explicit, because something that a test forgot to close must not keep the whole run waiting.
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
