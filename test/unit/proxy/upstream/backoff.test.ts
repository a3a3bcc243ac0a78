import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Backoff } from '../../../../src/proxy/upstream/backoff';

/** What it says to so many failures in a row. */
const pauses = (backoff: Backoff, failures: number): (number | undefined)[] => Array.from({ length: failures }, () => backoff.failed());

describe('the pauses before something that failed is tried again', () => {
  it('double from half a second on, and end with the sixth failure', () => {
    assert.deepEqual(pauses(new Backoff(), 6), [500, 1_000, 2_000, 4_000, 8_000, undefined]);
  });

  it('do not come back with more failures', () => {
    const backoff = new Backoff();
    pauses(backoff, 6);
    // So many that doubling on would leave what a timer can take, and the numbers.
    assert.deepEqual(new Set(pauses(backoff, 2_000)), new Set([undefined]));
  });

  it('begin anew after a success, also where nothing was tried any more', () => {
    for (const failures of [0, 1, 3, 5, 6, 50]) {
      const backoff = new Backoff();
      pauses(backoff, failures);
      backoff.worked();
      assert.deepEqual(pauses(backoff, 6), pauses(new Backoff(), 6), `after ${String(failures)} failures`);
    }
  });

  it('are those of one thing: another one has its own', () => {
    const [one, other] = [new Backoff(), new Backoff()];
    pauses(one, 4);
    assert.equal(other.failed(), 500);
    other.worked();
    assert.equal(one.failed(), 8_000);
  });

  it('depend on nothing but the failures since the last success', () => {
    const first = pauses(new Backoff(), 6);
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (outcomes) => {
        const backoff = new Backoff();
        let failures = 0;
        for (const worked of outcomes) {
          if (worked) backoff.worked();
          else assert.equal(backoff.failed(), first[failures]);
          failures = worked ? 0 : failures + 1;
        }
      }),
    );
  });
});
