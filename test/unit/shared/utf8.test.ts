import assert from 'node:assert/strict';
import fc from 'fast-check';
import { atOnce, inTurns } from '../../../src/shared/steps';
import { decodedInSteps, joinedInSteps, piecesOf } from '../../../src/shared/utf8';

/** A text whose characters of one to four bytes fall on every border of the steps. */
const LONG = ['a', 'ä', '密', '🔑'].map((character, shift) => 'x'.repeat(shift) + character.repeat(400_000)).join('');

describe('large texts and bytes, in steps', () => {
  it('become what they become at once', () => {
    const bytes = Buffer.from(LONG);
    assert.ok(Buffer.concat([...piecesOf(LONG)]).equals(bytes));
    assert.ok(Buffer.concat([...piecesOf(bytes)]).equals(bytes));
    assert.equal(atOnce(decodedInSteps(bytes)), LONG);
    for (let shift = 1; shift < 4; shift += 1)
      assert.equal(atOnce(decodedInSteps(bytes.subarray(shift))), bytes.subarray(shift).toString());
  });

  it('are joined whatever the parts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), fc.integer({ min: 1, max: 20_000 }), (parts, times) => {
        const buffers = parts.map((part) => Buffer.from(part));
        const all = Array.from({ length: Math.min(times, 200_000 / (parts.length + 1)) }, () => buffers).flat();
        assert.ok(atOnce(joinedInSteps(all)).equals(Buffer.concat(all)));
      }),
      { numRuns: 25 },
    );
  });

  it('let others have their turn in between', async () => {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const work = function* (): Generator<undefined, void, undefined> {
      for (let i = 0; i < 3; i += 1) {
        const until = performance.now() + 15;
        while (performance.now() < until);
        yield;
      }
    };
    await inTurns(work());
    isOver = true;
    assert.ok(turns >= 3, String(turns));
  });
});
