import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Pieces } from '../../../src/shared/pieces';

const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array));
const lengths = fc.constantFrom(0, 1, 4_095, 4_096, 16_383, 16_384, 16_385, 70_000);
const piece = fc.oneof(
  bytes,
  lengths.map((length) => Buffer.alloc(length, length % 251)),
);

describe('pieces of a body', () => {
  it('are all there, in order, whatever their sizes', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (all) => {
        const [one, other] = [new Pieces(), new Pieces()];
        for (const each of all) {
          one.push(each);
          other.push(each);
        }
        const whole = Buffer.concat(all);
        assert.equal(one.size, whole.length);
        assert.ok(one.joined().equals(whole));
        assert.ok(Buffer.concat(other.take()).equals(whole));
        assert.deepEqual([one.size, one.joined().length, other.take().length], [0, 0, 0]);
      }),
    );
  });

  it('are not copied if there is one', () => {
    const pieces = new Pieces();
    const only = Buffer.from('{}');
    pieces.push(only);
    assert.equal(pieces.joined(), only);
  });

  it('take no more than a few Buffers, however small they come', () => {
    const pieces = new Pieces();
    for (let i = 0; i < 1_000_000; i += 1) pieces.push(Buffer.from('x'));
    const taken = pieces.take();
    assert.ok(taken.length < 100, String(taken.length));
    assert.ok(Buffer.concat(taken).equals(Buffer.alloc(1_000_000, 'x')));
  });
});
