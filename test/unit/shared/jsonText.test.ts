import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { endOfString, numbersIn } from '../../../src/shared/jsonText';

describe('a JSON text', () => {
  it('has its numbers where they stand, and none in strings', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat({ max: 3 }), (value, indent) => {
        const json = JSON.stringify(value, null, indent);
        const numbers: unknown[] = [];
        JSON.parse(json, (_, member: unknown) => {
          if (typeof member === 'number') numbers.push(member);
          return member;
        });
        const found = [...numbersIn(json)];
        assert.deepEqual(found.map(({ text }) => Number(text)).sort(), numbers.sort());
        for (const { at, text } of found) assert.equal(json.slice(at, at + text.length), text);
      }),
      { numRuns: 500 },
    );
  });

  it('has its numbers as they are written', () => {
    const written = ['1e5', '-0', '1.50', '12345678901234567890', '-1.5E-7'];
    assert.deepEqual(
      [...numbersIn(`[${written.join(', ')}, "7", "\\"8"]`)].map(({ text }) => text),
      written,
    );
  });

  it('has strings that end at their quote', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', '\\', 'a', '\n') }), fc.string(), (inner, rest) => {
        const json = JSON.stringify(inner);
        assert.equal(endOfString(json + rest, 0), json.length - 1);
      }),
    );
    assert.equal(endOfString('"never', 0), 6);
  });
});
