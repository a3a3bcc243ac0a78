import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { parseCommandLine } from '../../src/editor/commands/commandLine';
import { schemaFor } from '../../src/editor/schemaProvider';
import { sharedStorage } from '../../src/editor/stores/sharedStorage';
import { ago, ahead, count, duration, span } from '../../src/editor/views/format';

describe('helpers of the editor', () => {
  const lines: [text: string, expected: string[] | string][] = [
    ['npx -y some-server', ['npx', '-y', 'some-server']],
    [`  node  "a b.js"  'c "d"' `, ['node', 'a b.js', 'c "d"']],
    ['node --flag="x y"z', ['node', '--flag=x yz']],
    ['a\\ b "c\\"d" e\\\\f', ['a b', 'c"d', 'e\\f']],
    ['sh -c "" end', ['sh', '-c', '', 'end']],
    ['$HOME/x `y` | z', ['$HOME/x', '`y`', '|', 'z']],
    ['node "open', 'A " is not closed.'],
    ['node \\', 'There is nothing after the last "\\".'],
    ['   ', 'Give the program to start, with its arguments.'],
    ['"" x', 'Give the program to start, with its arguments.'],
  ];
  for (const [text, expected] of lines) {
    it(`split the command line ${text}`, () => {
      const parsed = parseCommandLine(text, false);
      assert.deepEqual('problem' in parsed ? parsed.problem : [parsed.command, ...parsed.args], expected);
    });
  }

  it('leave backslashes alone on Windows', () => {
    assert.deepEqual(parseCommandLine('C:\\tools\\x.exe "D:\\my files"', true), { command: 'C:\\tools\\x.exe', args: ['D:\\my files'] });
  });

  it('find the storage that windows share', () => {
    const shared = (path: string): string => sharedStorage(vscode.Uri.file(path)).path;
    assert.equal(shared('/w/-a0bac38-1/publisher.name'), '/w/-a0bac38/publisher.name');
    assert.equal(shared('/w/0123456789abcdef0123456789abcdef-2/publisher.name'), '/w/0123456789abcdef0123456789abcdef/publisher.name');
    for (const own of [
      '/w/-a0bac38/publisher.name',
      '/w/-1/publisher.name',
      '/w/1732190000000/publisher.name',
      '/w/ext-dev/publisher.name',
    ]) {
      assert.equal(shared(own), own);
    }
  });

  it('make a schema that offers names and checks nothing', () => {
    const text = JSON.stringify(
      schemaFor([
        { scope: 'workspace', name: 'MY_KEY' },
        { scope: 'other', name: 'MY_KEY' },
      ]),
    );
    assert.equal(text.match(/"MY_KEY"/g)?.length, 4);
    assert.doesNotMatch(text, /"(required|pattern|enum|additionalProperties":false)/);
  });

  it('put times and numbers into words', () => {
    const now = Date.UTC(2026, 0, 31);
    const words = [0, 59_000, 60_000, 3_600_000 * 5, 86_400_000 * 2, 86_400_000 * 45, 86_400_000 * 800].map((ms) => ago(now - ms, now));
    assert.deepEqual(words, ['just now', 'just now', '1 minute ago', '5 hours ago', '2 days ago', '1 month ago', '2 years ago']);
    const spans = [59_000, 3_600_000 * 12, 86_400_000 * 30 - 1, 86_400_000 * 365].map((ms) => ahead(now + ms, now));
    assert.deepEqual(spans, ['in 1 minute', 'in 12 hours', 'in 1 month', 'in 1 year']);
    assert.deepEqual(
      [1, 30, 90, 365, 400].map((days) => span(days * 86_400_000)),
      ['1 day', '30 days', '90 days', '1 year', '400 days'],
    );
    assert.deepEqual(
      [count(1, 'secret'), count(0, 'secret'), duration(12.4), duration(3_440)],
      ['1 secret', '0 secrets', '12 ms', '3.4 s'],
    );
  });
});
