import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { Outflow } from '../../../../src/proxy/front/outflow';
import { STRIDE } from '../../../../src/shared/utf8';

/** Keeps what is written; takes each piece at once, or a moment later. */
class Taker extends Writable {
  readonly pieces: Buffer[] = [];
  readonly #slow: boolean;

  constructor(slow: boolean) {
    super();
    this.#slow = slow;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.pieces.push(chunk);
    if (this.#slow) setImmediate(taken);
    else taken();
  }
}

describe('what is written to an agent', () => {
  it('arrives whole and in order, however large, as text or as bytes', async () => {
    const text = fc
      .tuple(fc.constantFrom('a', 'ä', '密', '🔑', 'a🔑'), fc.integer({ min: -2, max: 2 }), fc.constantFrom(0, 1, 2))
      .map(([unit, more, strides]) => unit.repeat(Math.max(1, Math.ceil((strides * STRIDE) / unit.length) + more)));
    const content = fc.oneof(
      text,
      text.map((one) => Buffer.from(one)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { maxLength: 4 }),
        fc.option(content, { nil: undefined }),
        fc.boolean(),
        async (all, last, slow) => {
          const taker = new Taker(slow);
          const out = new Outflow(taker);
          for (const one of all) out.write(one);
          assert.ok(!out.ending);
          out.end(last);
          assert.ok(out.ending);
          await once(taker, 'finish');
          assert.ok(taker.bytes.equals(Buffer.concat([...all, ...(last === undefined ? [] : [last])].map((one) => Buffer.from(one)))));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('leaves others their turn between the pieces, also where all is taken at once', async () => {
    const taker = new Taker(false);
    const turns: number[] = [];
    const count = (): void => {
      turns.push(taker.pieces.length);
      if (!taker.writableFinished) setImmediate(count);
    };
    setImmediate(count);
    new Outflow(taker).end('x'.repeat(8 * STRIDE));
    await once(taker, 'finish');
    for (let pieces = 1; pieces < 8; pieces += 1) assert.ok(turns.includes(pieces), turns.join(' '));
  });

  it('says when more should wait, and when it need not any more', async () => {
    const taker = new Taker(true);
    const out = new Outflow(taker);
    assert.equal(out.write('small'), true);
    assert.equal(out.write('x'.repeat(3 * STRIDE)), false);
    assert.ok(out.length > STRIDE);
    await new Promise<void>((resolve) => {
      out.onWritten(resolve);
    });
    assert.equal(taker.bytes.length, 5 + 3 * STRIDE);
    assert.ok(out.length < STRIDE);
    assert.equal(out.write('small'), true);
  });

  it('is dropped when the agent has gone', async () => {
    const taker = new Taker(true);
    const out = new Outflow(taker);
    out.write('x'.repeat(8 * STRIDE));
    const written = new Promise<void>((resolve) => {
      out.onWritten(resolve);
    });
    taker.destroy();
    await written;
    assert.ok(taker.pieces.length < 8);
    assert.equal(out.length, 0);
  });
});
