import assert from 'node:assert/strict';
import { rowsOf } from '../../conformance/comparison';
import { outcomeOf } from '../../conformance/outcome';
import type { Outcome } from '../../conformance/outcome';
import { counts, remarks, setsAreEqual, tables } from '../../conformance/report';
import type { LegRows } from '../../conformance/report';
import type { Leg } from '../../conformance/suites';

const leg: Leg = { side: 'server', suite: '0.1.16', protocol: '2025-11-25', ways: ['direct', 'http', 'stdio'], runs: [] };
const good = outcomeOf([{ id: 'one', status: 'SUCCESS' }]);
const bad = outcomeOf([
  { id: 'one', status: 'SUCCESS' },
  { id: 'two', status: 'FAILURE', errorMessage: 'lost' },
]);
const idle = outcomeOf([{ id: 'one', status: 'INFO' }]);

function results(scenario: string, direct: Outcome, http: Outcome | undefined, stdio: Outcome): LegRows[] {
  const of = (outcome: Outcome | undefined): Map<string, Outcome> => new Map(outcome === undefined ? [] : [[scenario, outcome]]);
  return [{ leg, rows: rowsOf(new Map(Object.entries({ direct: of(direct), http: of(http), stdio: of(stdio) }))) }];
}

describe('the report of the conformance run', () => {
  it('what passes everywhere is equal', () => {
    const same = results('ping', good, good, good);
    assert.equal(setsAreEqual(same), true);
    assert.deepEqual(counts(same), { passed: 3, failed: 0, skipped: 0, failures: [] });
  });

  it('what fails only through the proxy is a difference, and is told with its reason', () => {
    const different = results('ping', good, bad, good);
    assert.equal(setsAreEqual(different), false);
    assert.deepEqual(counts(different).failures, ['server, 2025-11-25 (suite 0.1.16) > ping > http']);
    assert.ok(remarks(different).some((line) => line.includes('ping, http: two: lost')));
    assert.match(tables(different), /\| ping \| ✓ 1 \| ✗ 1, 1 failed \| ✓ 1 \|/);
  });

  it('what passes only through the proxy is a difference, too', () => {
    assert.equal(setsAreEqual(results('ping', bad, good, bad)), false);
  });

  it('a scenario that was not run on a way, or in which nothing was checked, is no pass', () => {
    assert.equal(setsAreEqual(results('ping', good, undefined, good)), false);
    assert.equal(setsAreEqual(results('ping', good, idle, good)), false);
    assert.equal(setsAreEqual(results('ping', idle, idle, idle)), true);
    assert.deepEqual(counts(results('ping', idle, idle, idle)), { passed: 0, failed: 0, skipped: 3, failures: [] });
  });

  it('what is left out is not compared, shown in brackets and counted as skipped', () => {
    const excluded = results('server-sse-polling', good, good, idle);
    assert.equal(setsAreEqual(excluded), true);
    assert.match(tables(excluded), /\| server-sse-polling \| ✓ 1 \| ✓ 1 \| \(unchecked\) \|/);
    assert.equal(counts(excluded).skipped, 1);
  });
});
