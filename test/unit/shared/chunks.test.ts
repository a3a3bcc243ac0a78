import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Chunks } from '../../../src/shared/chunks';

const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array));
const lengths = fc.constantFrom(0, 1, 4_095, 4_096, 16_383, 16_384, 16_385, 70_000);
const piece = fc.oneof(
  bytes,
  lengths.map((length) => Buffer.alloc(length, length % 251)),
);

describe('chunks of a body', () => {
  it('are all there, in order, whatever their sizes', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (all) => {
        const [one, other] = [new Chunks(), new Chunks()];
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
    const chunks = new Chunks();
    const only = Buffer.from('{}');
    chunks.push(only);
    assert.equal(chunks.joined(), only);
  });

  it('take no more than a few Buffers, however small they come', () => {
    const chunks = new Chunks();
    for (let i = 0; i < 1_000_000; i += 1) chunks.push(Buffer.from('x'));
    const taken = chunks.take();
    assert.ok(taken.length < 100, String(taken.length));
    assert.ok(Buffer.concat(taken).equals(Buffer.alloc(1_000_000, 'x')));
  });
});
