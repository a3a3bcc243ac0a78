import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Matcher } from '../../../../src/proxy/interceptors/matcher';

/** What is found by looking at every place for every text. */
function slowly(texts: readonly string[], input: string): [number, string][] {
  const longestFirst = [...texts].sort((a, b) => b.length - a.length);
  return Array.from(input, (_, start) => start).flatMap((start): [number, string][] => {
    const text = longestFirst.find((candidate) => input.startsWith(candidate, start));
    return text === undefined ? [] : [[start, text]];
  });
}

function found(texts: readonly string[], input: string): [number, string][] {
  const all: [number, string][] = [];
  new Matcher(texts).search(input, (start, text) => all.push([start, text]));
  return all;
}

describe('the search for many texts', () => {
  it('finds what looking at every place finds', () => {
    // Few different characters, so that texts overlap, repeat and begin with one another.
    const text = (min: number, max: number): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom('a', 'b', 'c', '\u4e00'), { minLength: min, maxLength: max }).map((units) => units.join(''));
    fc.assert(
      fc.property(fc.array(text(3, 30), { maxLength: 20 }), text(0, 300), fc.array(fc.nat(300)), (texts, noise, cuts) => {
        const input = cuts.reduce(
          (all, cut, i) => all.slice(0, cut) + (texts[i % Math.max(1, texts.length)] ?? '') + all.slice(cut),
          noise,
        );
        assert.deepEqual(found(texts, input), slowly(texts, input));
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds each of thousands of texts, at the beginning and at the end', () => {
    const texts = Array.from({ length: 3_000 }, (_, i) => `text-number-${String(i).padStart(5, '0')}`);
    for (const text of texts)
      assert.deepEqual(found([text, ...texts.slice(0, 3)], `${text} ${text}`), [
        [0, text],
        [text.length + 1, text],
      ]);
    assert.equal(found(texts, texts.join('')).length, texts.length);
  });

  it('finds nothing when there is nothing to look for', () => {
    assert.ok(new Matcher([]).isEmpty);
    assert.deepEqual(found([], 'anything'), []);
    assert.deepEqual(found(['long enough'], 'short'), []);
  });
});
