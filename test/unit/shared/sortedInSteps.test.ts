import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { sortedInSteps } from '../../../src/shared/sortedInSteps';
import { atOnce } from '../../../src/shared/steps';

describe('sorting in steps', () => {
  it('gives what sorting gives', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 4 })), fc.integer({ min: 0, max: 500 }), (words, times) => {
        const many = Array.from({ length: times }, (_, index) => words.map((word) => `${word}${String((index * 7919) % 101)}`)).flat();
        assert.deepEqual(atOnce(sortedInSteps(many)), [...many].sort());
      }),
    );
  });

  it('rests often enough, and leaves what it sorts as it is', () => {
    const words = Array.from({ length: 100_000 }, (_, index) => `word${String((index * 7919) % 100_000)}`);
    const before = [...words];
    const sorting = sortedInSteps(words);
    let rests = 0;
    while (sorting.next().done !== true) rests += 1;
    assert.ok(rests >= 100, String(rests));
    assert.deepEqual(words, before);
  });
});
