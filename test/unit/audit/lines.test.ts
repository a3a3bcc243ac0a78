import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { backward, forward } from '../../../src/audit/lines';
import type { RawLine } from '../../../src/audit/lines';
import { temporaryFolder } from '../support/folders';

describe('the lines of a file', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();

  function read(text: Buffer, direction: typeof forward): [string, number, boolean][] {
    const path = join(folder(), 'lines');
    writeFileSync(path, text);
    const file = openSync(path, 'r');
    try {
      return Array.from(direction(file, text.length), ({ bytes, start, whole }: RawLine) => [bytes.toString('latin1'), start, whole]);
    } finally {
      closeSync(file);
    }
  }

  it('are the same from both ends, and all of the file, over the borders of blocks', () => {
    const line = fc.tuple(
      fc.constantFrom('', 'x', 'ab', 'y'.repeat(100), 'z'.repeat(65_535), 'w'.repeat(65_536), 'v'.repeat(140_000)),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.boolean(), (lines, ends) => {
        const text = lines.map(([l]) => l).join('\n') + (ends ? '\n' : '');
        const found = read(Buffer.from(text), forward);
        assert.equal(found.map(([l, , whole]) => l + (whole ? '\n' : '')).join(''), text);
        for (const [l, start] of found) assert.ok(text.startsWith(l, start));
        assert.deepEqual(read(Buffer.from(text), backward).reverse(), found);
      }),
      { numRuns: 200 },
    );
  });

  it('do not fill the memory when one has no end', () => {
    const text = Buffer.concat([Buffer.from('one\n'), Buffer.alloc(3 * 1024 * 1024, 120), Buffer.from('\nthree\n')]);
    for (const direction of [forward, backward]) {
      const [one, long, three] = direction === forward ? read(text, direction) : read(text, direction).reverse();
      assert.deepEqual([one?.[0], three?.[0]], ['one', 'three']);
      assert.ok((long?.[0].length ?? Infinity) < 1.2 * 1024 * 1024);
      assert.deepEqual(long?.slice(1), [4, true]);
    }
  });
});
