import assert from 'node:assert/strict';
import { table } from '../../../src/cli/table';

describe('a table', () => {
  it('has columns that line up', () => {
    const rows = [
      ['one', '2', 'x'],
      ['-', '', ''],
    ];
    assert.equal(table(['A', 'LONG', ''], rows), ['A    LONG', 'one  2     x', '-', ''].join('\n'));
  });

  it('keeps what is in a cell there, and shows what cannot be seen', () => {
    const rows = [
      ['a\nb', '\u001b[2K\u202e'],
      ['ä', 'x'],
    ];
    assert.equal(table(['A', 'B'], rows), ['A         B', 'a\\u000ab  \\u001b[2K\\u202e', 'ä         x', ''].join('\n'));
  });
});
