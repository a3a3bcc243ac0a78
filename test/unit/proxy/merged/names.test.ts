import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_NAME, publicName, splitName } from '../../../../src/proxy/merged/names';

const server = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
/** Names as honest servers have them, as careless ones have them, and as hostile ones would. */
const tool = fc.oneof(
  fc.stringMatching(/^[a-z_]{1,30}$/),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom('__proto__', '', '__', '-', 'a'.repeat(500)),
);
const pair = fc.tuple(server, tool);

describe('names among those of all servers', () => {
  it('are letters, digits, "_" and "-", and at most 46', () => {
    fc.assert(
      fc.property(pair, ([s, t]) => {
        assert.match(publicName(s, t), /^[A-Za-z0-9_-]{1,46}$/);
      }),
      { numRuns: 2_000 },
    );
    assert.equal(MAX_NAME, 46);
  });

  it('are different for different tools', () => {
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: ([s, t]) => JSON.stringify([s, t]), maxLength: 40 }), (pairs) => {
        assert.equal(new Set(pairs.map(([s, t]) => publicName(s, t))).size, pairs.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are different where servers and tools run into each other', () => {
    const parts = fc.stringMatching(/^[ab_.-]{1,4}$/);
    const close = fc.tuple(
      parts.map((text) => `a${text}`),
      parts,
    );
    fc.assert(
      fc.property(close, close, ([s1, t1], [s2, t2]) => {
        fc.pre(s1 !== s2 || t1 !== t2);
        assert.notEqual(publicName(s1, t1), publicName(s2, t2));
      }),
      { numRuns: 5_000 },
    );
  });

  it('no tool can be named so as to get the name of another one that was hashed', () => {
    fc.assert(
      fc.property(server, tool, (s, t) => {
        const target = publicName(s, t);
        const split = target.indexOf('__');
        const [otherServer, otherTool] = [target.slice(0, split), target.slice(split + 2)];
        fc.pre(otherServer !== s || otherTool !== t);
        assert.notEqual(publicName(otherServer, otherTool), target);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are readable where they can be, and are taken apart again', () => {
    assert.equal(publicName('github', 'create_issue'), 'github__create_issue');
    assert.deepEqual(splitName('github__create_issue'), { server: 'github', name: 'create_issue' });
    assert.match(publicName('my.server', 'list'), /^my_server__list-[a-z2-7]{10}$/);
    assert.match(publicName('a'.repeat(64), 'b'.repeat(64)), /^a+__b+-[a-z2-7]{10}$/);
    fc.assert(
      fc.property(pair, ([s, t]) => {
        const split = splitName(publicName(s, t));
        if (split !== undefined) assert.deepEqual(split, { server: s, name: t });
      }),
      { numRuns: 2_000 },
    );
  });
});
