import assert from 'node:assert/strict';
import fc from 'fast-check';
import { plain } from '../../../src/editor/plain';
import { anyText } from '../support/arbitraries';

/** How VS Code 1.139 finds links in notifications and below input boxes (`parseLinkedText`), and icons in labels. */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;
const ICON = /(\\)?\$\(([A-Za-z0-9-]+(?:~[A-Za-z]+)?)\)/;

describe('plain text', () => {
  it('breaks links and icons by one space, and nothing else', () => {
    assert.equal(plain('[Review now](command:x.y?%5B%5D "now")'), '[Review now] (command:x.y?%5B%5D "now")');
    assert.equal(plain('[a](https://x.example) [b](FILE:///etc)'), '[a] (https://x.example) [b] (FILE:///etc)');
    assert.equal(plain('$(check) Accept \\$(x)'), '$ (check) Accept \\$ (x)');
    for (const text of ['', 'items[0] (of 3)', 'https://a.example/x?y=[1]', 'Server "web" (HTTP 500): $x, f(x)', 'naïve 日本語'])
      assert.equal(plain(text), text);
  });

  it('leaves no link and no icon in anything, and changes nothing the second time', () => {
    const piece = fc.constantFrom('[', ']', '(', ')', '](', '$(', '[a](command:b)', 'command:', 'https://', 'x', ' ', '\n', '\\', '"', '~');
    const text = fc.oneof(
      anyText(0, 40),
      fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        const shown = plain(any);
        // As notifications do before they look for links.
        assert.doesNotMatch(shown.replace(/(\r\n|\n|\r)/gm, ' ').trim(), LINK);
        assert.doesNotMatch(shown, LINK);
        assert.doesNotMatch(shown, ICON);
        assert.equal(shown.replaceAll(' ', ''), any.replaceAll(' ', ''));
        assert.equal(plain(shown), shown);
      }),
      { numRuns: 2_000 },
    );
  });
});
