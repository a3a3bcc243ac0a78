import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RE2JS, RE2Set } from 're2js';
import { linearPattern } from '../../../src/bindings/linearPattern';
import { MAX_REPEATED, patternSize } from '../../../src/bindings/patternSize';

/** Everything that means something in a pattern, and what is easily taken for it. */
const PIECES = [
  ...['a', 'é', '😀', '1', '.', '^', '$', '|', '*', '+', '?', '/', '-', ':', ',', '<', '>', '{', '}', '\\'],
  ...['(', '(?:', '(?i)', '(?i:', '(?P<x>', '(?<y>', '(?=', ')', ')', ')'],
  ...['[', '[^', ']', '[a-c]', '[]', '[[:alpha:]]', '[:alpha:]', '\\[', '\\]', '\\(', '\\)'],
  ...['{2}', '{0}', '{3,}', '{0,4}', '{1,2}', '{02}', '{3,2}'],
  ...['\\Q', '\\E', '\\p{L}', '\\pN', '\\x{61}', '\\x61', '\\d', '\\W', '\\b', '\\u0061'],
];
const pattern = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(''));

/** How large the library makes it; `undefined`: it cannot read it. */
function made(text: string): number | undefined {
  try {
    const set = new RE2Set();
    set.add(text);
    set.compile();
    return set.prog.numInst();
  } catch {
    return undefined;
  }
}

function isReadable(text: string): boolean {
  try {
    new RE2Set().add(text);
    return true;
  } catch {
    return false;
  }
}

describe('the size of a pattern', () => {
  it('is never less than that of the program that it becomes, and what can be read is told without making it', () => {
    fc.assert(
      fc.property(pattern, (source) => {
        const text = RE2JS.translateRegExp(source);
        const { size, repeated, once } = patternSize(text);
        const real = made(text);
        assert.ok((real ?? 0) <= size, `${text}: ${String(real)} > ${String(size)}`);
        if (repeated <= MAX_REPEATED) assert.equal(isReadable(once), real !== undefined, `${text} as ${once}`);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is that of what is written out', () => {
    const near = (source: string, expected: number): void => {
      const { size } = patternSize(source);
      assert.ok(size >= expected && size <= expected * 2, `${source}: ${String(size)}`);
    };
    near('^[a-z]{0,1000}$', 2_005);
    near('^.{0,1000}$', 2_005);
    near('(?:[ab]{0,30}c){30}', 1_800);
    near(`${'[ab]{0,1000}'.repeat(40)}c$`, 80_000);
    near('^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$', 33);
  });

  it('is not hidden by what looks like something else', () => {
    for (const source of [
      '[:-[:](?:a{900}){9}:]',
      '\\Q[\\E(?:a{900}){9}]',
      '[]](?:a{900}){9}]',
      '\\\\Q(?:a{900}){9}\\E',
      '[\\]](?:a{900}){9}',
    ])
      assert.ok(patternSize(source).size > 8_000, source);
  });

  it('leaves what a pattern means as it is', () => {
    const texts = ['', 'a', 'aa', 'aaaa', 'é', '😀', '1a', 'ab\n', 'A', 'abc', '/', '-:'];
    fc.assert(
      fc.property(pattern, fc.constantFrom(...texts), (source, text) => {
        const ours = linearPattern(source);
        if (typeof ours !== 'string') assert.equal(ours.test(text), RE2JS.compile(RE2JS.translateRegExp(source)).test(text), source);
      }),
      { numRuns: 5_000 },
    );
  });
});
