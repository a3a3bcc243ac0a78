import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { oneLine, ToolSearch } from '../../../../src/proxy/merged/search';

const tools = [
  ['github__create_issue', { description: 'Opens a new issue in a repository.', inputSchema: { properties: { title: {}, body: {} } } }],
  ['github__list_issues', { description: 'Lists the issues of a repository.' }],
  ['files__createDirectory', { description: 'Makes a folder. Creates parents as well.\nSecond line.' }],
  ['files__read_text_file', { description: 'Reads a file as text.', inputSchema: { properties: { encoding: {} } } }],
  ['mail__send', { title: 'Send a mail', description: 'Sends a message to recipients.' }],
] as const;
const search = new ToolSearch(tools);

function best(query: string): string | undefined {
  return search.find(query, 1)[0]?.name;
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
        const found = new ToolSearch(hostile).find(query, 5);
        assert.ok(found.length <= 5);
        for (const { name } of found) assert.ok(hostile.some(([known]) => known === name));
      }),
    );
    assert.deepEqual(new ToolSearch([]).find('x', 5), []);
    assert.equal(new ToolSearch([['constructor', { description: '__proto__' }]]).find('proto', 5).length, 1);
  });
});
