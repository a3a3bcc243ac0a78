import assert from 'node:assert/strict';
import { rowsOf, toRunAgain } from '../../conformance/comparison';
import { brokeOff, outcomeOf } from '../../conformance/outcome';
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

function results(scenario: string, direct: Outcome | undefined, http: Outcome | undefined, stdio: Outcome | undefined): LegRows[] {
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
    assert.deepEqual(counts(different).failures, ['server, 2025-11-25 (suite 0.1.16) > ping > http: failed, directly passed']);
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

  it('what passes directly and is not checked through the proxy is a failure, not skipped', () => {
    assert.deepEqual(counts(results('ping', good, idle, good)), {
      passed: 2,
      failed: 1,
      skipped: 0,
      failures: ['server, 2025-11-25 (suite 0.1.16) > ping > http: unchecked, directly passed'],
    });
  });

  it('what is checked on no way is skipped, with the reason', () => {
    const unchecked = results('ping', idle, idle, idle);
    assert.deepEqual(counts(unchecked), { passed: 0, failed: 0, skipped: 3, failures: [] });
    assert.match(remarks(unchecked).join('\n'), /^skipped: server, .*, ping: the suite checks nothing there/m);
    for (const different of [results('ping', good, idle, idle), results('ping', idle, good, idle)])
      assert.doesNotMatch(remarks(different).join('\n'), /^skipped/m);
  });

  it('whatever makes the sets unequal is a failure of the stage', () => {
    const outcomes = [good, bad, idle, undefined];
    for (const scenario of ['ping', 'server-sse-polling'])
      for (const direct of outcomes)
        for (const http of outcomes)
          for (const stdio of outcomes) {
            const found = results(scenario, direct, http, stdio);
            const { passed, failed, skipped, failures } = counts(found);
            assert.ok(setsAreEqual(found) || failed > 0, tables(found));
            assert.equal(failures.length, failed);
            assert.equal(passed + failed + skipped, 3 * found.flatMap(({ rows }) => rows).length);
          }
  });

  it('what is left out is not compared, shown in brackets and counted as skipped', () => {
    const excluded = results('server-sse-polling', good, good, idle);
    assert.equal(setsAreEqual(excluded), true);
    assert.match(tables(excluded), /\| server-sse-polling \| ✓ 1 \| ✓ 1 \| \(unchecked\) \|/);
    assert.equal(counts(excluded).skipped, 1);
  });

  it('what broke off directly equals nothing: it would be equal to a proxy through which nothing works', () => {
    assert.equal(setsAreEqual(results('ping', brokeOff, brokeOff, brokeOff)), false);
  });

  it('what failed, or did not pass and differs from direct, has a second try; what passed has none', () => {
    const again = (...outcomes: [direct: Outcome | undefined, http: Outcome | undefined, stdio: Outcome | undefined]): string[] => {
      const rows = results('ping', ...outcomes).flatMap((result) => result.rows);
      return leg.ways.filter((way) => toRunAgain(leg, rows, way).length > 0);
    };
    assert.deepEqual(again(good, good, good), []);
    assert.deepEqual(again(good, bad, idle), ['http', 'stdio']);
    assert.deepEqual(again(good, undefined, good), ['http']);
    assert.deepEqual(again(idle, good, idle), ['direct']);
    assert.deepEqual(again(idle, idle, idle), []);
    assert.deepEqual(again(bad, bad, bad), ['direct', 'http', 'stdio']);
    assert.deepEqual(again(brokeOff, good, good), ['direct']);
  });

  it('what has a run of its own has a second try, too; a whole run that broke off has none', () => {
    const ways = ['direct', 'proxy'];
    const client: Leg = {
      side: 'client',
      suite: '0.2.0-alpha.12',
      protocol: '2025-11-25',
      ways,
      runs: [
        ['--scenario', 'ping'],
        ['--suite', 'all'],
      ],
    };
    const again = (scenario: string, ...outcomes: [direct: Outcome, proxy: Outcome]): string[] => {
      const rows = rowsOf(new Map(ways.map((way, i) => [way, new Map([[scenario, outcomes[i] ?? idle]])])));
      return ways.filter((way) => toRunAgain(client, rows, way).length > 0);
    };
    assert.deepEqual(again('ping', good, good), []);
    assert.deepEqual(again('ping', good, bad), ['proxy']);
    assert.deepEqual(again('ping', good, brokeOff), ['proxy']);
    assert.deepEqual(again('ping', brokeOff, good), ['direct']);
    assert.deepEqual(again('--suite all', brokeOff, brokeOff), []);
  });
});
