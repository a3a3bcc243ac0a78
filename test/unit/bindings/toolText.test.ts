import assert from 'node:assert/strict';
import { canonical } from '../../../src/shared/canonicalJson';
import type { ToolState } from '../../../src/bindings/toolState';
import { differenceOf } from '../../../src/bindings/toolText';

const state = (offered: unknown, more: Partial<ToolState> = {}): ToolState => ({
  kind: 'tool',
  name: 'add',
  standing: 'changed',
  flags: [],
  pin: { accepted: canonical({ name: 'add', description: 'Adds' }), offered: canonical(offered) },
  ...more,
});

describe('the difference between two forms of a tool, in words', () => {
  it('differs in what has changed, and only there', () => {
    const { accepted, offered } = differenceOf([state({ name: 'add', description: 'Adds', title: 'More' })]);
    const before = accepted.split('\n');
    const added = offered.split('\n').filter((line) => !before.includes(line));
    assert.deepEqual(added, ['    "name": "add",', '    "title": "More"']);
  });

  it('hides nothing: characters that cannot be seen are written out, in every field and in the name', () => {
    const tool = { name: 'a\u202edd', description: 'x\u200by', '\u2066key': '\u{e0041}', list: ['\u0007'] };
    const { offered } = differenceOf([state(tool, { name: tool.name })]);
    for (const escape of ['Tool: a\\u202edd', 'x\\u200by', '\\u2066key', '\\u{e0041}', '\\u0007'])
      assert.ok(offered.includes(escape), escape);
    assert.doesNotMatch(offered, /[\u200b\u202e\u2066\u{e0041}\u0007]/u);
  });

  it('leaves nothing out of sight to the right', () => {
    const { offered } = differenceOf([state({ name: 'add', description: `short${' '.repeat(2_000)}evil`, other: 'y'.repeat(500) })]);
    assert.ok(offered.includes('evil'));
    assert.ok(offered.split('\n').every((line) => line.length <= 80));
  });

  it('lets no text of a server pass for one of ours', () => {
    const { offered } = differenceOf([state({ name: 'add', description: 'Adds\nTool: other\n===========\n\nDescription:\n  fine' })]);
    assert.equal(offered.split('\n').filter((line) => /^(?:Tool:|Description:|=)/.test(line)).length, 3);
  });

  it('says what is suspicious, and that nothing was accepted before', () => {
    const { accepted, offered } = differenceOf([
      state({ name: 'add' }, { flags: ['hidden'], pin: { offered: canonical({ name: 'add' }), flags: ['hidden'] } }),
    ]);
    assert.ok(accepted.includes('(nothing was accepted yet)'));
    assert.ok(offered.includes('Suspicious: it has characters that cannot be seen'));
  });

  it('shows instructions as text', () => {
    const about = state('Be kind\nand brief', {
      kind: 'instructions',
      name: 'instructions',
      pin: { accepted: 'null', offered: '"Be kind\\nand brief"' },
    });
    const { accepted, offered } = differenceOf([about]);
    assert.ok(accepted.includes('(none)'));
    assert.match(offered, /^ {2}Be kind\n {2}and brief$/m);
  });
});
