import assert from 'node:assert/strict';
import fc from 'fast-check';
import { digestOf } from '../../../src/shared/canonicalJson';
import { anyJson } from '../support/arbitraries';

/** The same value with the keys of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

describe('the digest of a JSON value', () => {
  it('is the SHA-256 of its canonical form (RFC 8785)', () => {
    // printf '{"10":1,"9":2,"a":[true,null,"é\\n"]}' | sha256sum
    assert.equal(digestOf({ a: [true, null, 'é\n'], 9: 2, 10: 1 }), '852ac8fed81e1874fb53162cc61a8cbc2a05f340436a7f9a3fa3a0ab0f5cdfd5');
  });

  it('does not depend on the order of keys', () => {
    fc.assert(fc.property(anyJson, (value) => assert.equal(digestOf(value), digestOf(reversed(value)))));
  });

  it('differs for different values', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (a, b) => {
        const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
        assert.equal(digestOf(a) === digestOf(b), same);
      }),
    );
    const different = [[], {}, null, '', 0, false, [[]], [null], ['1'], [1], { a: 1 }, { a: '1' }, { a: 1, b: 1 }, ['a', 1], '{"a":1}'];
    assert.equal(new Set(different.map(digestOf)).size, different.length);
  });

  it('can be had of text that is not well-formed', () => {
    assert.notEqual(digestOf('\ud800'), digestOf('\ud801'));
    assert.notEqual(digestOf('\ud800'), digestOf('\ufffd'));
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, member]) => [key, sorted(member)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .concat([['', '{}']]);
}
