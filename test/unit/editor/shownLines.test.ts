import assert from 'node:assert/strict';
import { cutLine, firstLines } from '../../../src/editor/shownLines';

describe('lines in a dialog', () => {
  it('are a few, and it is said where the rest is', () => {
    const lines = Array.from({ length: 30 }, (_, index) => String(index));
    assert.deepEqual(firstLines(lines), [...lines.slice(0, 8), '… all of it is in the editor behind this dialog']);
  });

  it('are cut where they are too long, and it is said by how much', () => {
    const [first, second, third] = firstLines(['short', `${'x'.repeat(200)}${'y'.repeat(1_000_000)}`, 'z'.repeat(200)]);
    assert.deepEqual([first, third], ['short', 'z'.repeat(200)]);
    assert.equal(second, `${'x'.repeat(200)}… (1000000 more characters)`);
  });

  it('are not cut in the middle of a character', () => {
    const line = `${'x'.repeat(199)}😀${'y'.repeat(10)}`;
    assert.equal(cutLine(line), `${'x'.repeat(199)}… (12 more characters)`);
  });
});
