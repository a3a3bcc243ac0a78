import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Item } from '../../../../src/proxy/merged/catalog';
import { oneLine, ToolSearch } from '../../../../src/proxy/merged/search';
import { atOnce } from '../../../../src/shared/steps';

const tools = [
  ['github__create_issue', { description: 'Opens a new issue in a repository.', inputSchema: { properties: { title: {}, body: {} } } }],
  ['github__list_issues', { description: 'Lists the issues of a repository.' }],
  ['files__createDirectory', { description: 'Makes a folder. Creates parents as well.\nSecond line.' }],
  ['files__read_text_file', { description: 'Reads a file as text.', inputSchema: { properties: { encoding: {} } } }],
  ['mail__send', { title: 'Send a mail', description: 'Sends a message to recipients.' }],
] as const;
const search = searchOver(tools);

function searchOver(those: Iterable<readonly [name: string, tool: Item]>): ToolSearch {
  return atOnce(ToolSearch.over(those));
}

function best(query: string): string | undefined {
  return search.find(query, 1)[0]?.name;
}

/** How often something asks how a text begins. */
function comparisons(act: () => void): number {
  const method = Object.getOwnPropertyDescriptor(String.prototype, 'startsWith');
  assert.ok(method !== undefined);
  const original = method.value as (this: string, text: string, from?: number) => boolean;
  let count = 0;
  const counting = function (this: string, text: string, from?: number): boolean {
    count += 1;
    return original.call(this, text, from);
  };
  Object.defineProperty(String.prototype, 'startsWith', { ...method, value: counting });
  try {
    act();
  } finally {
    Object.defineProperty(String.prototype, 'startsWith', method);
  }
  return count;
}

describe('finding tools', () => {
  it('ranks what the name says before what the description says', () => {
    assert.equal(best('create issue'), 'github__create_issue');
    assert.equal(best('create directories'), 'files__createDirectory');
    assert.equal(best('reading files'), 'files__read_text_file');
    assert.equal(best('encoding'), 'files__read_text_file');
    assert.equal(best('SEND mail'), 'mail__send');
  });

  it('finds words by their beginnings, and nothing for words that are nowhere', () => {
    assert.equal(best('direct'), 'files__createDirectory');
    assert.deepEqual(search.find('qwertz', 10), []);
  });

  it('finds exactly the tools that have a word, or a longer one', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '1'), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { maxLength: 8 }), word, (descriptions, query) => {
        const found = searchOver(descriptions.map((words, index) => [`z${String(index)}`, { description: words.join(' ') }])).find(
          query,
          50,
        );
        const has = (words: readonly string[]): boolean =>
          words.some((known) => known === query || (query.length > 2 && known.startsWith(query)));
        assert.deepEqual(
          found.map(({ name }) => name).sort(),
          descriptions.flatMap((words, index) => (has(words) ? [`z${String(index)}`] : [])),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('looks for so many words of a query, however many there are', () => {
    const others = Array.from({ length: 31 }, (_, index) => `other${String(index)}`).join(' ');
    assert.equal(best(`${others} issues`), 'github__list_issues');
    assert.equal(best(`${others} ${others} issues`), 'github__list_issues');
    assert.equal(best(`${others} another issues`), undefined);
  });

  it('compares a word with those that begin like it, not with all there are', () => {
    const words = (tool: number): string => Array.from({ length: 100 }, (_, index) => `word${String(tool * 100 + index)}x`).join(' ');
    const large = searchOver(Array.from({ length: 100 }, (_, tool) => [`tool${String(tool)}`, { description: words(tool) }]));
    const compared = comparisons(() => {
      assert.equal(large.find('word1234', 5)[0]?.name, 'tool12');
    });
    assert.ok(compared < 10, String(compared));
  });

  it('finds among more words that begin alike than are looked at', () => {
    const words = Array.from({ length: 1_000 }, (_, index) => `alike${String(index)}`).join(' ');
    const many = searchOver(Array.from({ length: 100 }, (_, tool) => [`tool${String(tool)}`, { description: words }]));
    assert.equal(many.find('alike', 50).length, 50);
    assert.equal(many.find('tool77 alike', 1)[0]?.name, 'tool77');
  });

  it('gives all by name for no words, and never more than asked for', () => {
    assert.deepEqual(
      search.find('', 50).map(({ name }) => name),
      tools.map(([name]) => name).sort(),
    );
    assert.equal(search.find('', 2).length, 2);
  });

  it('gives the first line of a description only', () => {
    assert.equal(search.find('folder', 1)[0]?.description, 'Makes a folder. Creates parents as well.');
    assert.ok(oneLine('word '.repeat(100)).length <= 161);
  });

  it('takes whatever servers and agents send', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()))), fc.string(), (hostile, query) => {
        const found = searchOver(hostile).find(query, 5);
        assert.ok(found.length <= 5);
        for (const { name } of found) assert.ok(hostile.some(([known]) => known === name));
      }),
    );
    assert.deepEqual(searchOver([]).find('x', 5), []);
    assert.equal(searchOver([['constructor', { description: '__proto__' }]]).find('proto', 5).length, 1);
  });
});
