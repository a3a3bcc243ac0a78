import assert from 'node:assert/strict';
import { withExitCode } from '../../host/stageResult';

describe('the result of a stage', () => {
  const good = { passed: 5, failed: 0, skipped: 1, failures: [] };
  const bad = { passed: 4, failed: 1, skipped: 1, failures: ['a > b'] };

  it('is what its script has counted, if that explains its exit code', () => {
    assert.deepEqual(withExitCode('conformance', 0, good), good);
    assert.deepEqual(withExitCode('conformance', 1, bad), bad);
    assert.deepEqual(withExitCode('conformance', 0, bad), bad);
  });

  it('is a failure if its script says so without one', () => {
    for (const code of [1, 7, 134])
      assert.deepEqual(withExitCode('conformance', code, good), {
        passed: 5,
        failed: 1,
        skipped: 1,
        failures: [`conformance: ended with code ${String(code)}`],
      });
  });
});
