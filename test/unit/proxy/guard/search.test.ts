import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Fingerprints, printsOf } from '../../../../src/proxy/guard/fingerprints';
import { secretIn, secretInText, smallTextIn } from '../../../../src/proxy/guard/search';
import { Redactor } from '../../../../src/proxy/interceptors/redactor';
import { parseMessages } from '../../../../src/proxy/jsonRpc';
import { atOnce } from '../../../../src/shared/steps';
import { anyJson, anyText } from '../../support/arbitraries';
import { encoderOf, JSON_ENCODERS, URL_ENCODERS } from '../../support/encoders';
import { anySecret } from '../../support/secrets';
import { anyWriting } from '../../support/writings';

const known = (...values: string[]): Fingerprints =>
  new Fingerprints(values.map((value, index) => printsOf({ scope: 'workspace', name: `K${String(index)}` }, value)));
/** What is found in a message; in a small one it has to be found at once, too. */
const find = (prints: Fingerprints, message: unknown): string | undefined => {
  const found = atOnce(secretIn(prints, message));
  const small = smallTextIn(message);
  if (small !== undefined) assert.deepEqual(secretInText(prints, small), found);
  return found?.name;
};

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

  it('finds all that redaction finds', () => {
    const inJson = (text: string, layers: number): string => (layers === 0 ? text : inJson(JSON.stringify([text]), layers - 1));
    const asHtml = (text: string): string => text.replace(/[^a-z]/g, (unit) => `&#${String(unit.charCodeAt(0))};`);
    fc.assert(
      fc.property(
        anySecret,
        anyWriting,
        fc.nat(4),
        fc.constantFrom('as it is', 'percent of HTML', 'HTML of percent'),
        (secret, writing, layers, how) => {
          const { before, written, after } = writing.write(secret);
          const text = `${before}${written}${after}`;
          const twice = {
            'as it is': text,
            'percent of HTML': encodeURIComponent(asHtml(secret)),
            'HTML of percent': asHtml(encodeURIComponent(secret)),
          }[how];
          const message = { a: inJson(twice, layers) };
          const redactor = new Redactor([{ name: 'K0', value: Buffer.from(secret) }]);
          const json = JSON.stringify(message);
          // Ordinary lines of a value are ordinary text in what an agent sends.
          if (secret.length < 8 || secret.includes('\n') || redactor.json(json) === json) return;
          assert.equal(find(known(secret), message), 'K0', `${writing.name}, ${how}, ${String(layers)}: ${JSON.stringify(secret)}`);
        },
      ),
      { numRuns: 1_500, seed: 20_261_122 },
    );
  });

  it('finds it below as many layers as redaction does', () => {
    const secret = 'a "quoted" \\ value';
    let text = secret;
    for (let layer = 0; layer < 5; layer += 1) {
      assert.equal(find(known(secret), { a: text }), 'K0', String(layer));
      text = JSON.stringify(text);
    }
    for (const written of ['%26%23116%3Bhe-value-itself', '&#37;74he-value-itself', '%5Cu0074he-value-itself', '&#92;u0074he-value-itself'])
      assert.equal(find(known('the-value-itself'), { a: written }), 'K0', written);
  });

  it('finds it written as long as redaction does, in texts of any length', () => {
    const secret = 'Secrets of 200 characters: '.padEnd(200, 'abcdefghijk');
    const percent = [...Buffer.from(secret)].map((byte) => `%${byte.toString(16)}`).join('');
    const written = Array.from(percent, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    for (let before = 12_700; before < 16_400; before += 50)
      assert.equal(find(known(secret), { a: `${'x'.repeat(before)}${written}${'x'.repeat(20_000)}` }), 'K0', String(before));
  });

  it('finds digits in a number as it was written, though readers round it', () => {
    const digits = '9007199254740993';
    for (const number of [`${digits}1234`, `99${digits}`, `0.${digits}`, `-1.00${digits}e5`, `${digits}.0`, `${digits}e300`]) {
      for (const text of [
        `{"jsonrpc":"2.0","id":1,"method":"m","params":{"n":${number}}}`,
        `[{"jsonrpc":"2.0","id":1,"method":"m","params":{"s":"\\"1","n":[1,${number}]}}]`,
      ]) {
        for (const message of parseMessages(text)) assert.equal(find(known(digits), message), 'K0', text);
      }
    }
    for (const text of ['{"jsonrpc":"2.0","id":1,"method":"m","params":{"n":[1.50000000,12345678901234567890]}}'])
      for (const message of parseMessages(text)) assert.equal(find(known(digits, '7890 1.50'), message), undefined);
  });

  it('takes numbers and dates side by side for no hex of anything', () => {
    const prints = known('12345678', '20261122', '4111111111111111');
    for (const text of ['2026-11-22 12:34:56 78-90', '1234-5678 2026 1122', '12 34 56 78 90 12 34 56 78'])
      assert.equal(find(prints, { a: text }), undefined, text);
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

  it('finds in a small message at once what it finds step by step, and nothing else', () => {
    const values = ['the-value-itself', '12345678', '9007199254740993', 'with "quotes" & % and \\', 'lines of\na value that has'];
    const prints = known(...values);
    const secret = fc.constantFrom(...values);
    /** Texts with a secret in them, or something that is nearly one. */
    const near = fc.oneof(
      secret,
      fc.tuple(anyText(0, 5), secret, anyText(0, 5)).map((parts) => parts.join('')),
      fc.tuple(secret, encoderOf([...JSON_ENCODERS, ...URL_ENCODERS])).map(([text, [, encode]]) => encode(text)),
      fc.tuple(secret, fc.constantFrom<BufferEncoding>('base64', 'hex')).map(([text, form]) => Buffer.from(text).toString(form)),
      secret.map((text) => Buffer.from(text).toString('hex').replace(/..\B/g, '$&:')),
      fc.tuple(secret, fc.nat(20)).map(([text, cut]) => text.slice(0, cut)),
      fc.tuple(secret, fc.nat(20)).map(([text, cut]) => text.slice(cut)),
    );
    const json = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        { weight: 4, arbitrary: anyText(0, 20) },
        { weight: 1, arbitrary: near },
        { weight: 2, arbitrary: fc.constantFrom(null, true, false, 0, -1, 1.5, 1234567, 12345678, 9007199254740993) },
        { weight: 4, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
        { weight: 4, arbitrary: fc.dictionary(fc.oneof({ weight: 6, arbitrary: anyText(1, 10) }, near), tie('value'), { maxKeys: 4 }) },
      ),
    })).value;
    let [found, free] = [0, 0];
    fc.assert(
      fc.property(json, (message) => {
        const expected = atOnce(secretIn(prints, message));
        const small = smallTextIn(message);
        assert.ok(small !== undefined);
        assert.deepEqual(secretInText(prints, small), expected);
        if (expected === undefined) free += 1;
        else found += 1;
      }),
      { numRuns: 3_000 },
    );
    assert.ok(found > 300 && free > 300, `${String(found)} with a secret, ${String(free)} without`);
  });

  it('takes a small message for one text, in which what it consists of does not touch', () => {
    const prints = known('the-value-itself', '12345678');
    const apart: readonly unknown[] = [
      ['the-value', '-itself'],
      ['-itself', 'the-value'],
      { 'the-value': '-itself' },
      { '-itself': 'the-value' },
      [1234, 5678],
      [5678, 1234],
      ['the-value', ['', '-itself']],
    ];
    for (const message of apart) assert.equal(find(prints, message), undefined, JSON.stringify(message));
    const whole: readonly unknown[] = ['the-value-itself', 12345678, { 'the-value-itself': null }, [[[{ a: ['b', 'the-value-itself'] }]]]];
    for (const message of whole) {
      assert.ok(smallTextIn(message) !== undefined);
      assert.ok(find(prints, message) !== undefined, JSON.stringify(message));
    }
    for (const nothing of [null, true, [], {}, [[], {}], undefined]) assert.equal(smallTextIn(nothing), '');
  });

  it('does not take a large message for a small one, whatever makes it large', () => {
    const prints = known('the-value-itself');
    const large: readonly unknown[] = [
      'x'.repeat(20_000),
      ['x', { y: 'x'.repeat(20_000) }],
      { ['x'.repeat(20_000)]: 1 },
      Array<string>(20_000).fill(''),
      Array<string>(2_500).fill('seven..'),
      Array<number>(3_000).fill(1234567),
      Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`key${String(i)}`, null])),
    ];
    for (const message of large) {
      assert.equal(smallTextIn(message), undefined);
      assert.equal(find(prints, message), undefined);
      assert.equal(find(prints, ['the-value-itself', message]), 'K0');
      assert.equal(find(prints, [message, 'the-value-itself']), 'K0');
    }
    assert.ok(smallTextIn({ a: 'x'.repeat(15_000), b: 1 }) !== undefined);
  });

  it('finds as much on either side of the largest small message', () => {
    const prints = known('the-value-itself');
    let [small, large] = [0, 0];
    for (let length = 16_330; length < 16_400; length += 1) {
      for (const message of [
        [`${'x'.repeat(length)}the-value-itself`],
        [`the-value-itself${'x'.repeat(length)}`],
        ['x'.repeat(length), 'the-value-itself'],
        ['the-value-itself', 'x'.repeat(length)],
      ]) {
        if (smallTextIn(message) === undefined) large += 1;
        else small += 1;
        assert.equal(find(prints, message), 'K0', String(length));
      }
      assert.equal(find(prints, ['the-value', 'x'.repeat(length), '-itself']), undefined);
    }
    assert.ok(small > 0 && large > 0);
  });

  it('finds a value in a text at once, for who shows it', () => {
    assert.equal(secretInText(known('the-value-itself'), 'is the-value-itself')?.name, 'K0');
    assert.equal(secretInText(known('the-value-itself'), ''), undefined);
  });
});
