import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTooDeep, MAX_LEVELS } from '../../../src/proxy/nesting';

/** How deep a value is, the slow way. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('nesting', () => {
  it('is too deep one level above the limit, whatever it is made of', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"[":', '}]'],
    ] as const) {
      const levels = open.startsWith('[{') ? MAX_LEVELS / 2 : MAX_LEVELS;
      const deep = (more: number): string => `${open.repeat(levels)}${'['.repeat(more)}1${']'.repeat(more)}${close.repeat(levels)}`;
      assert.deepEqual([isTooDeep(deep(0)), isTooDeep(deep(1))], [false, true]);
    }
    assert.equal(isTooDeep('['.repeat(100_000)), true, 'never closed');
  });

  it('does not count what is beside each other, or in strings', () => {
    assert.equal(isTooDeep(JSON.stringify(Array.from({ length: 5_000 }, () => [{}]))), false);
    assert.equal(isTooDeep(JSON.stringify({ text: '[{'.repeat(5_000), [`"[{\\`.repeat(2_000)]: '\\' })), false);
    assert.equal(isTooDeep(`["${'\\\\'.repeat(3_000)}",${'['.repeat(MAX_LEVELS)}`), true, 'a string that ends after escaped backslashes');
  });

  it('is what a parser finds', () => {
    const wrapped = fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.integer({ min: MAX_LEVELS - 5, max: MAX_LEVELS + 3 }), fc.string());
    fc.assert(
      fc.property(wrapped, ([value, levels, key]) => {
        const name = JSON.stringify(key);
        const text = `${`{${name}:`.repeat(levels)}${JSON.stringify(value)}${'}'.repeat(levels)}`;
        assert.equal(isTooDeep(text), levels + depthOf(value) > MAX_LEVELS);
      }),
      { numRuns: 200 },
    );
  });
});
