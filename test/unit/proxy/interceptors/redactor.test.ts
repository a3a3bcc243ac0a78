import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Redactor } from '../../../../src/proxy/interceptors/redactor';
import { anyJson, anyText } from '../../support/arbitraries';
import { encoderOf, JSON_ENCODERS, URL_ENCODERS } from '../../support/encoders';

const MARK = '[redacted:K]';
/** Stands around values: random values do not contain it. */
const WALL = '\u{20000}';

const redactor = (...values: string[]): Redactor =>
  new Redactor(values.map((value, i) => ({ name: i === 0 ? 'K' : `K${String(i)}`, value: Buffer.from(value) })));

/** A value that is looked for everywhere. */
const value = anyText(8, 40);

/** What `base64` texts in some text say, as bytes in latin1. */
function decoded(text: string): string {
  return (text.match(/[A-Za-z0-9+/_-]{4,}/g) ?? [])
    .flatMap((run) => [0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), 'base64').toString('latin1')))
    .join('\n');
}

/** A message with JSON in its strings, all of it read. */
function read(text: string): unknown {
  const { result, ...rest } = JSON.parse(text) as { result: { nested: string; deeper: string } };
  const [deeper = ''] = JSON.parse(result.deeper) as string[];
  return { ...rest, result: { ...result, nested: JSON.parse(result.nested) as unknown, deeper: JSON.parse(deeper) as unknown } };
}

describe('the redactor', function () {
  this.timeout(60_000);

  describe('takes a value', () => {
    it('out of text', () => {
      fc.assert(
        fc.property(value, (v) => {
          assert.equal(redactor(v).text(`${WALL}${v}${WALL} and ${WALL}${v}`), `${WALL}${MARK}${WALL} and ${WALL}${MARK}`);
          assert.equal(redactor(v).text(v), MARK);
        }),
        { numRuns: 300 },
      );
    });

    it('out of JSON, up to three layers deep, and leaves all else as it is', () => {
      fc.assert(
        fc.property(value, encoderOf(JSON_ENCODERS), encoderOf(JSON_ENCODERS), anyJson, (v, [, outer], [, inner], other) => {
          const message = (secret: string): string => {
            const nested = `{"token":${inner(WALL + secret + WALL)},"text":${inner('line\n"quoted"\\ \u00e9 ☃')},"n":[1.50,-0]}`;
            return `{"jsonrpc": "2.0", "id": 7,\n"result":{"text":${outer(`${WALL}${secret}`)},"nested":${outer(nested)},"deeper":${outer(`[${inner(nested)}]`)},${outer(WALL + secret)}:1e2,"other":${JSON.stringify(other)}}}`;
          };
          const clean = redactor(v).json(message(v));
          assert.deepEqual(read(clean), read(message(MARK)));
          assert.equal(redactor(v).json(clean), clean);
        }),
        { numRuns: 500 },
      );
    });

    it('out of the middle of JSON text without touching a byte elsewhere', () => {
      fc.assert(
        fc.property(value, anyJson, anyJson, (v, before, after) => {
          const text = (secret: string): string =>
            `{"a":${JSON.stringify(before, null, 1)}, "v" :${JSON.stringify(`${WALL}${secret}${WALL}`)},"z":${JSON.stringify(after)} }\n`;
          assert.equal(redactor(v).json(text(v)), text(MARK));
        }),
        { numRuns: 300 },
      );
    });

    it('out of JSON that was cut, as out of text', () => {
      fc.assert(
        fc.property(value, encoderOf(JSON_ENCODERS), (v, [, encode]) => {
          for (const text of [`{"a":${encode(v)}, "b"`, `"a":${encode(v)}`, `data: {"a":${encode(v)}`]) {
            const clean = redactor(v).json(text);
            assert.ok(clean.includes(MARK));
            assert.equal(clean.replace(MARK, ''), text.replace(encode(v), '""'));
          }
        }),
        { numRuns: 200 },
      );
    });

    it('out of base64 and base64url, wherever in the plaintext it stands', () => {
      fc.assert(
        fc.property(
          value,
          fc.uint8Array({ maxLength: 5 }),
          fc.uint8Array({ maxLength: 5 }),
          fc.constantFrom('base64', 'base64url'),
          fc.boolean(),
          (v, before, after, form, json) => {
            const encoded = Buffer.concat([before, Buffer.from(v), after]).toString(form);
            const clean = json ? redactor(v).json(JSON.stringify({ a: `Basic ${encoded}` })) : redactor(v).text(`Basic ${encoded} ok`);
            assert.ok(clean.includes(MARK));
            assert.ok(!decoded(clean).includes(Buffer.from(v).toString('latin1')));
            if (json) JSON.parse(clean);
          },
        ),
        { numRuns: 500 },
      );
    });

    it('out of addresses, however they encode', () => {
      fc.assert(
        fc.property(value, encoderOf(URL_ENCODERS), fc.boolean(), (v, [, encode], json) => {
          const text = (secret: string): string => `see https://x/?a=%20b&q=${secret}&r=100%`;
          const r = redactor(v);
          const clean = json ? (JSON.parse(r.json(JSON.stringify([text(encode(v))]))) as string[])[0] : r.text(text(encode(v)));
          assert.equal(clean, text(MARK));
        }),
        { numRuns: 700 },
      );
    });

    it('out of hex in either case', () => {
      fc.assert(
        fc.property(value, fc.boolean(), (v, upper) => {
          const hex = Buffer.from(v).toString('hex');
          assert.equal(redactor(v).text(`x${upper ? hex.toUpperCase() : hex}x`), `x${MARK}x`);
        }),
      );
    });

    it('of several lines out of text that gives them one by one', () => {
      const lines = [
        '-----BEGIN PRIVATE KEY-----',
        'MIIEvQIBADANBgkqhkiG9w0BAQ',
        'EFAASCBKcwggSjAgEAAoIBAQC7',
        '-----END PRIVATE KEY-----',
        '',
      ];
      const r = redactor(lines.join('\n'));
      assert.equal(r.text(lines.join('\n')), MARK);
      const crlf = r.text(`key:\r\n${lines.join('\r\n')}`);
      const list = r.json(JSON.stringify(lines));
      for (const clean of [crlf, list]) {
        assert.ok(!clean.includes('MIIE') && !clean.includes('EFAA'), clean);
        assert.ok(clean.includes('BEGIN PRIVATE KEY'));
      }
    });

    it('that is itself JSON out of JSON that has it as an object', () => {
      const key = '{"type":"service_account","private_key":"-----BEGIN\\nabc\\n"}';
      const clean = redactor(key).json(`{"result":{"structuredContent":{"key":${key}},"text":${JSON.stringify(key)}}}`);
      assert.deepEqual(JSON.parse(clean), { result: { structuredContent: { key: MARK }, text: MARK } });
    });

    it('of digits out of JSON that has it as a number', () => {
      assert.deepEqual(JSON.parse(redactor('1234567890').json('{"a":1234567890,"b":[-1234567890.5]}')), { a: MARK, b: [`[redacted:K]`] });
    });

    it('that ends with a backslash out of an address, with an escape behind it', () => {
      const v = 'ends with \\';
      for (const behind of ['\n', '"', '\u{20000}', '\\']) {
        const inner = (secret: string): string => `{"a":"?q=${secret}${JSON.stringify(behind).slice(1, -1)}"}`;
        const message = (secret: string): string => JSON.stringify({ text: inner(secret) });
        assert.equal(redactor(v).json(message(encodeURIComponent(v))), message(MARK));
        assert.equal(redactor(v).json(inner(encodeURIComponent(v))), inner(MARK));
      }
    });

    it('out of every id but that of the call that is answered', () => {
      const v = '1234567890';
      for (const [id, written] of [
        [v, `"${v}"`],
        [v, `"\\u0031${v.slice(1)}"`],
        [Number(v), v],
      ] as const) {
        const text = (shown: string): string => `{"jsonrpc":"2.0","id":${shown},"result":{"id":"${MARK}"}}`;
        const answer = `{"jsonrpc":"2.0","id":${written},"result":{"id":"${v}"}}`;
        assert.equal(redactor(v).json(answer, id), text(written));
        for (const other of [undefined, 7, '7', '', typeof id === 'string' ? Number(v) : v])
          assert.equal(redactor(v).json(answer, other), text(`"${MARK}"`));
      }
    });

    it('out of what only looks like the id of the call', () => {
      const v = '1234567890';
      for (const id of [`{"a":"${v}"}`, `["${v}"]`, `"7","id":"${v}"`, `"${v}","id":"7"`, `0.${v}`, `7.${'0'.repeat(20)}${v}`]) {
        for (const callId of [7, '7'])
          for (const rest of ['"jsonrpc":"1.0"', '"method":"m"', '"error":{}'])
            assert.ok(!redactor(v).json(`{"id":${id},${rest}}`, callId).includes(v), id);
      }
    });

    it('out of every member with the same name, of which readers see one', () => {
      const v = 'tok-9fK2-value';
      const once = JSON.stringify(v).replace('-', '\\u002d');
      for (const [twice, clean] of [
        [`{"text":${once},"text":"x"}`, `{"text":"${MARK}","text":"x"}`],
        [`{"a":[{"t":${once},"\\u0074":"x"}],"t":":"}`, `{"a":[{"t":"${MARK}","\\u0074":"x"}],"t":":"}`],
        [`{"a":{"b":${once}},"a":{"b":"x","c":1}}`, `{"a":{"b":"${MARK}"},"a":{"b":"x","c":1}}`],
        [`{"__proto__":${once},"__proto__":{}}`, `{"__proto__":"${MARK}","__proto__":{}}`],
      ] as const)
        assert.equal(redactor(v).json(twice), clean);
    });

    it('of digits out of numbers of any length, in time that grows with the length only', () => {
      const v = '12345678';
      assert.equal(redactor(v).json(`[0.${v.repeat(50_000)}1e5,1]`), `["${MARK}",1]`);
    });

    it('that overlaps itself at every place', () => {
      const r = redactor('aaaaaaaa', `${'a'.repeat(40)}b`);
      assert.equal(r.text('a'.repeat(200_000)), MARK);
      assert.equal(r.json(`{"a":"${'a'.repeat(400_000)}b"}`), `{"a":"${MARK}"}`);
    });

    it('behind any number of backslashes, wherever the text is cut into pieces', () => {
      const v = 'the-value-itself';
      const r = redactor(v);
      const inner = JSON.stringify(v).slice(1, -1).replace('-', '\\u002d');
      for (let count = 1_800; count < 1_832; count += 1) {
        const text = (secret: string): string =>
          JSON.stringify({ a: 'x'.repeat(63_500), b: JSON.stringify('\\'.repeat(count)).slice(1, -1) + secret, c: 'y'.repeat(70_000) });
        assert.equal(r.json(text(inner)), text(MARK), String(count));
        const long = (secret: string): string => JSON.stringify(['\\'.repeat(2 * (35_000 + count)) + secret]);
        assert.equal(r.json(long(inner)), long(MARK), String(count));
      }
    });

    it('out of a very long text', () => {
      const long = 'x"\\\n'.repeat(1 << 15);
      const r = redactor('the-value-itself');
      const clean = JSON.parse(r.json(JSON.stringify({ long: `${long}the-value-itself${'y'.repeat(12 << 20)}` }))) as { long: string };
      assert.ok(clean.long.startsWith(`${long}${MARK}yyy`));
    });
  });

  describe('leaves text', () => {
    it('that holds no value as the very same string', () => {
      const r = redactor('dGhlIHZhbHVl+/8=~ "x"', 'Kx93 fq/pw\nline two 88', 'v4lue');
      fc.assert(
        fc.property(anyJson, anyText(0, 100), (json, text) => {
          const written = JSON.stringify(json);
          assert.ok(Object.is(r.json(written), written));
          assert.ok(Object.is(r.text(text), text));
        }),
        { numRuns: 500 },
      );
    });

    it('alone when there is nothing to look for', () => {
      const r = new Redactor([]);
      assert.ok(r.isEmpty);
      const text = '{"a":"\\u0041"}';
      assert.ok(Object.is(r.json(text), text) && Object.is(r.text(text), text));
    });

    it('that is close to a value', () => {
      const r = redactor('abcdefghij');
      for (const text of ['abcdefghi', 'bcdefghij', 'abcde fghij', 'ABCDEFGHIJ', 'abcdeXfghij']) assert.equal(r.text(text), text);
    });

    it('where an escape only looks like the beginning of a value', () => {
      // In this JSON there is a line break and "ew-value"; the value "new-value" is not in it.
      const text = JSON.stringify({ a: 'line\new-value', b: 'tab\table-value' });
      assert.equal(redactor('new-value', 'table-value').json(text), text);
      assert.deepEqual(JSON.parse(redactor('new-value').json(JSON.stringify(['\new-value new-value']))), [`\new-value ${MARK}`]);
    });
  });

  describe('finds a value of 4 to 7 characters', () => {
    for (const short of ['abcd', 'p4ssw', 'qwertyu', 'a.*b', 'pä$$w0']) {
      it(`as a whole word only: ${short}`, () => {
        const r = redactor(short);
        assert.equal(r.text(`is ${short}, "${short}"; ${short}`), `is ${MARK}, "${MARK}"; ${MARK}`);
        assert.equal(r.json(JSON.stringify({ a: short, b: `(${short})` })), JSON.stringify({ a: MARK, b: `(${MARK})` }));
        for (const text of [`x${short}`, `${short}x`, `_${short}`, `${short}9`]) {
          assert.equal(r.text(text), text);
          assert.equal(r.json(JSON.stringify([text])), JSON.stringify([text]));
        }
      });
    }

    it('behind an escape', () => {
      assert.deepEqual(JSON.parse(redactor('abcd').json('{"a":"x\\nabcd\\tx \\u0061bcd"}')), { a: `x\n${MARK}\tx ${MARK}` });
    });

    it('never in a JSON-RPC id or another number', () => {
      const r = redactor('12345', '2000', '-3200');
      for (const text of [
        '{"jsonrpc":"2.0","id":12345,"result":{"n":2000}}',
        '{"jsonrpc":"2.0","id":1,"error":{"code":-3200,"message":"m"}}',
        '{"id":12345,"t":"a\\nb"}',
      ])
        assert.ok(Object.is(r.json(text), text));
      assert.equal(r.json('{"id":12345,"pin":"12345"}'), `{"id":12345,"pin":"${MARK}"}`);
    });
  });

  it('does not look for a value of 1 to 3 characters', () => {
    for (const short of ['a', 'ok', 'abc', '密码']) {
      const r = redactor(short);
      assert.ok(r.isEmpty);
      assert.equal(r.text(`"${short}" ${short}`), `"${short}" ${short}`);
    }
  });

  describe('with several values', () => {
    it('takes out the longer one where one begins with the other', () => {
      for (const order of [
        ['prefix-of', 'prefix-of-another'],
        ['prefix-of-another', 'prefix-of'],
      ]) {
        const r = new Redactor(order.map((v) => ({ name: v.length > 10 ? 'LONG' : 'SHORT', value: Buffer.from(v) })));
        assert.equal(r.text('prefix-of-another prefix-of prefix-of-anothe'), '[redacted:LONG] [redacted:SHORT] [redacted:SHORT]-anothe');
        assert.equal(r.json('{"a":"prefix-of-another\\n"}'), '{"a":"[redacted:LONG]\\n"}');
      }
    });

    it('leaves none of them whole, however they overlap', () => {
      fc.assert(
        fc.property(anyText(8, 16), anyText(8, 16), fc.nat(15), (a, b, shared) => {
          const c = a.slice(-shared) + b;
          fc.pre(!MARK.includes(a) && c.length >= 8);
          const text = redactor(a, b, c).text(`${WALL}${a}${b}${WALL}${c}${WALL}${a.slice(0, -shared)}${c}`);
          for (const v of [a, b, c]) assert.ok(!text.includes(v));
        }),
        { numRuns: 300 },
      );
    });

    it('finds those of both after with()', () => {
      const both = redactor('first-value').with(new Redactor([{ name: 'OTHER', value: Buffer.from('second-value') }]));
      assert.equal(both.text('first-value second-value'), `${MARK} [redacted:OTHER]`);
    });

    it('finds the old and the new value of one secret', () => {
      const both = redactor('value-one-1').with(redactor('value-two-2'));
      assert.equal(both.text('value-one-1 value-two-2'), `${MARK} ${MARK}`);
    });
  });

  it('looks for values as they are, not as patterns', () => {
    for (const v of ['.*.*.*.*.*', '(a+)+$(a+)+$', '[a-z]{8,}', '$&$&$&$&$&', '\\d\\d\\d\\d\\d', '^........$', '|||||||||']) {
      const r = redactor(v);
      assert.equal(r.text(`harmless text of some length ${v}`), `harmless text of some length ${MARK}`);
      assert.equal(r.text('harmless text of some length'), 'harmless text of some length');
    }
  });

  it('keeps what it looks for when the Buffers it was made of are overwritten', () => {
    const bytes = Buffer.from('the-value-itself');
    const r = new Redactor([{ name: 'K', value: bytes }]);
    bytes.fill(0);
    assert.equal(r.text('the-value-itself'), MARK);
  });
});
