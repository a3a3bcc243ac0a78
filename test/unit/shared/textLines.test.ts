import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { TextLines } from '../../../src/shared/textLines';

describe('the lines of a text', () => {
  it('have every place where splitting the text has it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r', '🔑') }), (text) => {
        const lines = new TextLines(text);
        for (let offset = 0; offset <= text.length; offset += 1) {
          // Between the two halves of a line end is still the line that they end.
          if (text.slice(offset - 1, offset + 1) === '\r\n') continue;
          const before = text.slice(0, offset).split(/\r\n|\r|\n/);
          assert.deepEqual(lines.at(offset), { line: before.length - 1, character: before.at(-1)?.length });
        }
      }),
    );
  });
});
