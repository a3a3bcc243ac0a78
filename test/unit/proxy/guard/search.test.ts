import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Fingerprints, printsOf } from '../../../../src/proxy/guard/fingerprints';
import { secretIn, secretInText } from '../../../../src/proxy/guard/search';
import { atOnce } from '../../../../src/shared/steps';
import { anyJson, anyText } from '../../support/arbitraries';
import { encoderOf, JSON_ENCODERS, URL_ENCODERS } from '../../support/encoders';

const known = (...values: string[]): Fingerprints =>
  new Fingerprints(values.map((value, index) => printsOf({ scope: 'workspace', name: `K${String(index)}` }, value)));
const find = (prints: Fingerprints, message: unknown): string | undefined => atOnce(secretIn(prints, message))?.name;

/** A value that is looked for. */
const value = anyText(8, 40);
const anywhere = (secret: string, other: unknown): unknown[] => [
  secret,
  { params: { arguments: { deep: [[{ x: [other, `before ${secret} after`] }]] } } },
  { params: { [`key ${secret}`]: other } },
  [other, { a: other, b: { c: secret } }, other],
];

describe('the search for secrets in what agents send', () => {
  it('finds a value anywhere in a message', () => {
    fc.assert(
      fc.property(value, anyJson, (secret, other) => {
        for (const message of anywhere(secret, other)) assert.equal(find(known('another-value-1', secret), message), 'K1');
      }),
      { numRuns: 300 },
    );
  });

  it('finds it escaped in JSON in JSON, and in addresses', () => {
    fc.assert(
      fc.property(
        value,
        encoderOf(JSON_ENCODERS),
        encoderOf(JSON_ENCODERS),
        encoderOf(URL_ENCODERS),
        (secret, [, outer], [, inner], [, url]) => {
          const prints = known(secret);
          assert.equal(find(prints, { a: `{"x":${inner(secret)}}` }), 'K0');
          assert.equal(find(prints, { a: outer(`{"x":${inner(`in ${secret}`)}}`) }), 'K0');
          assert.equal(find(prints, { a: `https://x/?q=${url(secret)}&b=%20` }), 'K0');
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds it in base64 at any alignment, base64url and hex', () => {
    fc.assert(
      fc.property(
        value,
        fc.uint8Array({ maxLength: 5 }),
        fc.uint8Array({ maxLength: 5 }),
        fc.constantFrom<BufferEncoding>('base64', 'base64url', 'hex'),
        (secret, before, after, form) => {
          const encoded = Buffer.concat([before, Buffer.from(secret), after]).toString(form);
          assert.equal(find(known(secret), { a: `x ${encoded} y` }), 'K0');
          if (form === 'hex') assert.equal(find(known(secret), { a: encoded.toUpperCase() }), 'K0');
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds it across the borders of pieces, in texts of any length', () => {
    const secret = 'the-value-that-nobody-sends';
    const prints = known(secret, 'x'.repeat(3_000));
    for (const before of [0, 1, 65_500, 65_525, 65_536, 131_072, 500_001]) {
      for (const written of [
        secret,
        encodeURIComponent('/' + secret),
        JSON.stringify(secret).replace('-', '\\u002d'),
        Buffer.from(secret).toString('base64'),
      ])
        assert.equal(find(prints, { a: 'y z'.repeat(before / 3) + written + ' y'.repeat(40_000) }), 'K0', String(before));
    }
  });

  it('finds a value of many lines whole, and the lines of a key one by one', () => {
    const key = [
      '-----BEGIN PRIVATE KEY-----',
      'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
      'BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj',
      '-----END PRIVATE KEY-----',
      '',
    ].join('\n');
    const prints = known(key);
    for (const text of [key, key.replaceAll('\n', '\\n'), 'is BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj ok'])
      assert.equal(find(prints, { text }), 'K0');
    assert.equal(find(prints, { text: '-----BEGIN PRIVATE KEY-----\n' }), undefined);
    const account = JSON.stringify(
      { type: 'service_account', auth_uri: 'https://accounts.google.com/o/oauth2/auth', key: 'zQ93kd8fJ2' },
      undefined,
      2,
    );
    assert.equal(find(known(account), { text: '  "type": "service_account",' }), undefined);
    assert.equal(find(known(account), { text: account }), 'K0');
  });

  it('finds digits that are sent as a number', () => {
    for (const digits of ['12345678', '9007199254740993', '12345678901234567890'])
      assert.equal(find(known(digits), JSON.parse(`{"arguments":{"pin":[${digits}]}}`)), 'K0', digits);
  });

  it('looks at the whole value, not at how it begins', () => {
    const prints = known('ghp_0123456789abcdef', 'ghp_fedcba9876543210');
    assert.equal(find(prints, { a: 'ghp_0123456789abcdeX ghp_ 0123456789abcdef' }), undefined);
    assert.equal(find(prints, { a: 'ghp_fedcba9876543210' }), 'K1');
  });

  it('does not look for values under 8 characters', () => {
    assert.equal(printsOf({ scope: 's', name: 'N' }, 'true').length, 0);
    assert.ok(known('1234567', 'passwd').isEmpty);
    assert.equal(find(known('1234567'), { a: '1234567' }), undefined);
  });

  it('raises no false alarm on ordinary and random messages', () => {
    const values = Array.from({ length: 50 }, () => randomBytes(15).toString('base64url'));
    const prints = known(...values, 'password1', 'ghp_AAAAAAAAAAAAAAAA');
    fc.assert(
      fc.property(anyJson, anyText(0, 300), (json, text) => {
        assert.equal(find(prints, { json, text }), undefined);
      }),
      { numRuns: 2_000 },
    );
    const random = randomBytes(3_000_000);
    for (const form of ['base64', 'hex', 'latin1'] as const) assert.equal(find(prints, { a: random.toString(form) }), undefined);
  });

  it('goes through large messages and many secrets step by step', () => {
    const values = Array.from({ length: 50 }, () => randomBytes(30).toString('base64url'));
    const steps = secretIn(known(...values), {
      a: '%41\\u0041&amp;"x": '.repeat(30_000),
      b: Array.from({ length: 20_000 }, (_, i) => ({ [`k${String(i)}`]: i })),
    });
    let count = 0;
    while (steps.next().done !== true) count += 1;
    assert.ok(count > 40, String(count));
  });

  it('is not stopped by messages that are nested without end', () => {
    const depth = 300_000;
    const message = JSON.parse(`${'{"a":['.repeat(depth)}"the-value-itself"${']}'.repeat(depth)}`) as unknown;
    assert.equal(find(known('the-value-itself'), message), 'K0');
  });

  it('keeps nothing from which a value could be read', () => {
    const secret = 'the-value-that-nobody-sends';
    const kept = JSON.stringify(printsOf({ scope: 's', name: 'N' }, secret));
    // Shorter pieces can be in the base64 of an HMAC by chance; each of these has a "-".
    for (let at = 0; at + 8 <= secret.length; at += 1) assert.ok(!kept.includes(secret.slice(at, at + 8)));
  });

  it('finds a value in a text at once, for who shows it', () => {
    assert.equal(secretInText(known('the-value-itself'), 'is the-value-itself')?.name, 'K0');
    assert.equal(secretInText(known('the-value-itself'), ''), undefined);
  });
});
