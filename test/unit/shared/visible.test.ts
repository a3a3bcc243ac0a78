import assert from 'node:assert/strict';
import fc from 'fast-check';
import { visible, visibleLines } from '../../../src/shared/visible';
import { anyText } from '../support/arbitraries';

const hex = (text: string): string => (text.codePointAt(0) ?? 0).toString(16);

describe('visible', () => {
  const hidden: readonly (readonly [what: string, characters: string])[] = [
    ['control characters', '\0\x01\b\t\n\r\x1b\x7f\x85\x9b'],
    ['bidirectional marks and overrides', '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069'],
    ['characters of no width', '\u00ad\u034f\u180e\u200b\u200c\u200d\u2060\u2061\u2064\ufeff'],
    ['line and paragraph separators', '\u2028\u2029'],
    ['spaces that look like a space', '\u00a0\u1680\u2000\u2003\u2009\u202f\u205f\u3000'],
    ['letters that show nothing', '\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800'],
    ['variation selectors and tags', '\ufe00\ufe0f\u{e0001}\u{e0041}\u{e007f}\u{e0100}\u{e01ef}'],
    ['private and unassigned characters, halves of characters', '\ue000\u{10ffff}\u0378\ud800\udfff'],
  ];
  for (const [what, characters] of hidden) {
    it(`shows ${what} as escapes`, () => {
      for (const character of characters.match(/[\ud800-\udbff][\udc00-\udfff]|[^]/g) ?? []) {
        const shown = visible(`a${character}b`);
        assert.match(shown, /^a\\u(?:[0-9a-f]{4}|\{[0-9a-f]{5,6}\})b$/, `U+${hex(character)}`);
        assert.ok(shown.includes(hex(character)));
      }
    });
  }

  it('leaves what can be seen', () => {
    for (const text of ['', 'npx -y server', 'C:\\Program Files\\x', 'naïve café', '日本語', 'עברית', '🔑', '"quotes" $HOME'])
      assert.equal(visible(text), text);
  });

  it('gives only characters that can be seen, and changes nothing the second time', () => {
    fc.assert(
      fc.property(anyText(0, 40), (text) => {
        const shown = visible(text);
        assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        assert.equal(visible(shown), shown);
      }),
    );
  });

  it('of several lines keeps line breaks and tabs', () => {
    assert.equal(visibleLines('\tone\r\ntwo\n\n\u001b[2Kthree\rfour\u009b'), '\tone\r\ntwo\n\n\\u001b[2Kthree\\u000dfour\\u009b');
    fc.assert(
      fc.property(anyText(0, 40), (text) => {
        assert.doesNotMatch(visibleLines(text), /(?![\t\r\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\r(?!\n)/u);
        assert.deepEqual(visibleLines(text).split(/\r?\n|\t/), text.split(/\r?\n|\t/).map(visible));
      }),
    );
  });
});
