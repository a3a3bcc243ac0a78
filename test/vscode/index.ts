import './markConsole';
import { findTestFiles, runMochaInto } from '../host/mochaRunner';

/** Far above what one `eventually` may take: the limits in the tests decide, and say what did not happen. */
const testTimeoutMs = 300_000;

/**
 * Called by VS Code inside its extension host: runs the bundled tests that lie beside this file, leaves the counts in
 * the file named by `MCP_SECRETS_TEST_RESULTS`, and rejects when a test failed.
 */
export async function run(): Promise<void> {
  const resultFile = process.env.MCP_SECRETS_TEST_RESULTS;
  if (resultFile === undefined) throw new Error('MCP_SECRETS_TEST_RESULTS is not set');
  const grep = process.env.MCP_SECRETS_TEST_GREP;
  const result = await runMochaInto(resultFile, findTestFiles(__dirname, '.test.js'), { timeoutMs: testTimeoutMs, grep });
  if (result.failed > 0) throw new Error(`${String(result.failed)} failed`);
}
