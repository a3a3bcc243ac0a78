import assert from 'node:assert/strict';
import fc from 'fast-check';
import { joinHex, joinLines, peelHtml, peelJson, peelUrl } from '../../../../src/proxy/interceptors/peel';
import type { Peeled } from '../../../../src/proxy/interceptors/peel';
import { anyText } from '../../support/arbitraries';
import { encoderOf, JSON_ENCODERS, URL_ENCODERS } from '../../support/encoders';

/** Text in which much looks like an escape. */
const escapish = fc
  .array(
    fc.constantFrom(
      '\\',
      'n',
      'u',
      'x',
      '0',
      '41',
      '"',
      '%',
      '%41',
      '%e2%98%83',
      '&',
      '#',
      ';',
      '&amp;',
      '&#x41;',
      'ab',
      ':',
      ' ',
      '\n',
      '\r\n',
      '☃',
      'Zm9vYmFyZm9vYmFyZm9v',
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

describe('escapes', () => {
  it('of JSON are resolved as the parser does', () => {
    fc.assert(
      fc.property(anyText(0, 60), encoderOf(JSON_ENCODERS), (text, [, encode]) => {
        const written = encode(text).slice(1, -1);
        assert.equal(peelJson(written)?.text ?? written, text);
      }),
      { numRuns: 500 },
    );
  });

  it('of addresses are resolved as decodeURIComponent does', () => {
    fc.assert(
      fc.property(anyText(0, 60), encoderOf(URL_ENCODERS), (text, [name, encode]) => {
        const written = name.includes('form') ? encode(text).replaceAll('+', '%20') : encode(text);
        assert.equal(peelUrl(written)?.text ?? written, text);
      }),
      { numRuns: 500 },
    );
  });

  for (const [name, peel] of Object.entries({ peelJson, peelUrl, peelHtml, joinLines, joinHex }) as [
    string,
    (text: string) => Peeled | undefined,
  ][]) {
    it(`lead back to where they were: ${name}`, () => {
      fc.assert(
        fc.property(escapish, fc.nat(), fc.nat(), (text, a, b) => {
          const peeled = peel(text);
          if (peeled === undefined || peeled.text === '') return;
          const [start, end] = [a % peeled.text.length, b % peeled.text.length].sort((x, y) => x - y) as [number, number];
          const [from, to] = peeled.origin(start, end + 1);
          assert.ok(from >= 0 && from < to && to <= text.length);
          // What is there means what was found there, and what is around it means the rest.
          const all = peeled.text;
          assert.ok((peel(text.slice(0, from))?.text ?? text.slice(0, from)).length <= start + (name.startsWith('join') ? text.length : 0));
          if (!name.startsWith('join'))
            assert.ok((peel(text.slice(from, to))?.text ?? text.slice(from, to)).includes(all.slice(start, end + 1)));
        }),
        { numRuns: 1_000 },
      );
    });
  }

  it('stand between bytes in hex, however many are in a group or a line', () => {
    const digits = Buffer.from('the value itself').toString('hex');
    for (const bytes of [1, 2, 3, 4, 7, 8, 15])
      for (const separator of ['\n', '\r\n', ':\n', ' \n', ':\r\n    ', '\n\t', ':', '-', ' '])
        for (const inLine of ['', ' ', ':']) {
          const lines = digits.match(new RegExp(`.{1,${String(bytes * 2)}}`, 'g')) ?? [];
          const dump = lines.map((line) => line.replace(/..\B/g, `$&${inLine}`)).join(separator);
          for (const [before, after] of [
            ['', ''],
            ['a 1, is ', ', done'],
            ['hex:\n', '\n'],
          ] as const) {
            const text = `${before}${dump}${after} ${'- '.repeat(20)}\n${dump}`;
            const joined = joinHex(text);
            assert.equal(joined?.text, `${digits}\n${digits}`, JSON.stringify(text));
            for (const part of [0, 1]) {
              const at = part * (digits.length + 1);
              const [start, end] = joined.origin(at, at + digits.length);
              assert.equal(text.slice(start, end), dump);
            }
          }
        }
  });

  it('that are none stay', () => {
    for (const text of [
      '%zz %4',
      '&nothing; &#; &#x110000; & amp;',
      '\\',
      'a\nb',
      'ab:cd:ef',
      'de ad be ef',
      'deadbeef'.repeat(9),
      '2026-11-22 12:13',
      ': - '.repeat(99),
    ]) {
      for (const peel of [peelUrl, peelHtml, joinLines, joinHex]) assert.equal(peel(text), undefined, text);
    }
    assert.equal(peelJson('\\u12g4 \\x4 \\')?.text, 'u12g4 x4 \\');
  });
});
