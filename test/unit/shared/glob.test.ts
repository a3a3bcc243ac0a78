import assert from 'node:assert/strict';
import fc from 'fast-check';
import { matchesAnyGlob, matchesGlob } from '../../../src/shared/glob';

/** What a pattern means, by the definition. */
function reference(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const rest = pattern.slice(1);
  if (pattern.startsWith('*')) return reference(rest, text) || (text !== '' && reference(pattern, text.slice(1)));
  return text !== '' && (pattern.startsWith('?') || text.startsWith(pattern.charAt(0))) && reference(rest, text.slice(1));
}

describe('a glob', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });

  it('matches what its definition says', () => {
    fc.assert(
      fc.property(letters, letters, (pattern, text) => {
        assert.equal(matchesGlob(pattern, text), reference(pattern, text), `${pattern} on ${text}`);
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes nothing but * and ? for special', () => {
    for (const text of ['a.c', '[a-z]', '{a,b}', '\\*', '^a$', '!a', '(a|b)', '**/x'])
      assert.ok(matchesGlob(text.replaceAll('*', '?'), text));
    for (const [pattern, text] of [
      ['[a-z]', 'b'],
      ['a.c', 'abc'],
      ['{a,b}', 'a'],
      ['delete_*', 'Delete_x'],
      ['', 'a'],
      ['a', ''],
    ] as const)
      assert.ok(!matchesGlob(pattern, text), pattern);
  });

  it('comes to an end on patterns made to take forever', () => {
    const pattern = `${'*a'.repeat(100)}b`;
    assert.ok(!matchesGlob(pattern, 'a'.repeat(100_000)));
    assert.ok(matchesGlob(pattern, `${'a'.repeat(100_000)}b`));
  });

  it('matches a list if one of it does', () => {
    assert.ok(matchesAnyGlob(['x', 'get_*'], 'get_issue'));
    assert.ok(!matchesAnyGlob([], 'get_issue'));
  });
});
