import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { looksWrapped, newWrappingKey, parseWrapped, unwrap, wrap, wrappingKeyOf } from '../../../src/vault/passphrase';
import type { Wrapped, WrappingKey } from '../../../src/vault/passphrase';

describe('a passphrase', function () {
  this.timeout(60_000);
  const passphrase = Buffer.from('correct horse battery staple');
  const plaintext = randomBytes(45);
  let key: WrappingKey;
  let text = '';
  let wrapped: Wrapped;
  before(async () => {
    key = await newWrappingKey(passphrase);
    text = wrap(plaintext, key);
    const parsed = parseWrapped(text);
    assert.ok(parsed !== undefined);
    wrapped = parsed;
  });

  it('opens what was sealed under it, and what is stored says how', async () => {
    assert.deepEqual(unwrap(wrapped, await wrappingKeyOf(wrapped, passphrase)), plaintext);
    const { format, kdf, N, r, p, ...rest } = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual({ format, kdf, N, r, p }, { format: 1, kdf: 'scrypt', N: 131_072, r: 8, p: 1 });
    assert.deepEqual(Object.keys(rest), ['salt', 'sealed']);
    assert.ok(looksWrapped(text) && !looksWrapped(plaintext.toString('base64')));
    assert.ok(!text.includes(plaintext.toString('base64').slice(0, 8)));
    assert.equal(passphrase.toString(), 'correct horse battery staple', 'it is left to the caller');
  });

  it('is the only one that opens it, to the last byte', async () => {
    for (const other of ['correct horse battery stapl', 'correct horse battery staple ', 'Correct horse battery staple', '']) {
      assert.equal(unwrap(wrapped, await wrappingKeyOf(wrapped, Buffer.from(other))), undefined, other);
    }
  });

  it('makes another key each time', async () => {
    const again = await newWrappingKey(passphrase);
    assert.notEqual(again.salt, key.salt);
    assert.equal(unwrap(wrapped, again), undefined);
  });

  it('opens nothing of which a bit was changed', () => {
    const sealed = Buffer.from(wrapped.sealed, 'base64');
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const changed = Buffer.from(sealed);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        assert.equal(unwrap({ ...wrapped, sealed: changed.toString('base64') }, key), undefined);
      }),
    );
    for (const change of [{ N: 2 ** 16 }, { r: 4 }, { p: 2 }, { salt: randomBytes(16).toString('base64') }]) {
      assert.equal(unwrap({ ...wrapped, ...change }, key), undefined, JSON.stringify(change));
    }
  });

  const demands: Record<string, unknown>[] = [
    { N: 2 ** 30 },
    { N: 2 ** 20 },
    { N: 2 ** 17, r: 33 },
    { N: 2 ** 14 },
    { N: 131_071 },
    { N: 0 },
    { N: -131_072 },
    { N: 1e308 },
    { N: '131072' },
    { r: 0 },
    { r: 2 ** 20 },
    { r: 1.5 },
    { p: 5 },
    { p: 2 ** 20 },
    { salt: '' },
    { salt: 'AAAA' },
    { salt: Buffer.alloc(1_000_000).toString('base64') },
    { salt: '$$$$$$$$$$$$$$$$$$$$$$$$' },
    { sealed: 'not base64!' },
    { format: 2 },
    { kdf: 'md5' },
  ];
  for (const demand of demands) {
    it(`is not tried on a file that says ${JSON.stringify(demand).slice(0, 40)}`, () => {
      assert.equal(parseWrapped(JSON.stringify({ ...wrapped, ...demand })), undefined);
    });
  }

  it('is not tried on anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (other) => {
        assert.equal(parseWrapped(other), undefined);
      }),
    );
  });

  it('is not spent on more memory than it may: what is let through, of any size, is at most 512 MiB', () => {
    const size = fc.oneof(
      fc.integer(),
      fc.nat(40).map((power) => 2 ** power),
      fc.double(),
    );
    fc.assert(
      fc.property(size, size, size, (N, r, p) => {
        const cost = parseWrapped(JSON.stringify({ ...wrapped, N, r, p }));
        assert.ok(cost === undefined || (128 * cost.N * cost.r <= 512 * 1024 * 1024 && cost.p <= 4));
      }),
      { numRuns: 2_000 },
    );
  });
});
