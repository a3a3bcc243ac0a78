import assert from 'node:assert/strict';
import { compareServers, mergeServers } from '../../../src/bindings/compare';
import { parseServersFile } from '../../../src/bindings/serversFile';
import { refusal } from '../support/errors';

const here = `{
  // Ours.
  "servers": {
    "github": { "type": "http", "url": "https://here.example.com/mcp", "secrets": { "TOKEN": "bearer" } },
    /* keep */
    "linear": { "type": "stdio", "command": "npx", "args": ["-y", "linear"] }
  }
}
`;
const there = `{
  "servers": {
    "linear": { "args": ["-y", "linear"], /* the same, in another order */ "command": "npx", "type": "stdio", },
    "github": { "type": "http", "url": "https://there.example.com/mcp", "secrets": { "TOKEN": { "as": "header", "template": "Token \${value}" } } },
    "slack": { "type": "http", "url": "https://slack.example.com/mcp" },
    "broken": { "type": "http" }
  }
}`;

describe('servers of another file', () => {
  it('are compared by what they say', () => {
    assert.deepEqual(compareServers(here, there), [
      { name: 'linear', state: 'same' },
      { name: 'github', state: 'changed' },
      { name: 'slack', state: 'new' },
      { name: 'broken', state: 'invalid' },
    ]);
  });

  it('are all new where there are none, and none where the other file has none', () => {
    assert.deepEqual(
      compareServers('', there).map(({ state }) => state),
      ['new', 'new', 'new', 'invalid'],
    );
    for (const text of ['', '{}', '{"servers":{}}', '{"servers":[]}', 'no JSON {']) assert.deepEqual(compareServers(here, text), []);
  });

  it('are taken over one by one, and comments here stay', () => {
    const merged = mergeServers(here, there, ['github', 'slack']);
    for (const comment of ['// Ours.', '/* keep */']) assert.ok(merged.includes(comment), merged);
    assert.deepEqual(
      compareServers(merged, there).map(({ state }) => state),
      ['same', 'same', 'same', 'invalid'],
    );
    assert.equal(mergeServers(here, there, []), here);
  });

  it('with problems are never taken over', () => {
    const merged = mergeServers('', there, ['linear', 'broken', '__proto__', 'nobody']);
    assert.deepEqual([...parseServersFile(merged, '/').servers.keys()], ['linear']);
    assert.deepEqual(parseServersFile(merged, '/').problems, []);
  });

  it('come as the file that they are in where there is none', () => {
    const whole = '{\n  // With a comment.\n  "servers": { "one": { "type": "http", "url": "https://one.example.com/" } }\n}\n';
    assert.equal(mergeServers('', whole, ['one']), whole);
  });

  it('are not put into a text with a syntax error', async () => {
    await refusal('serversFileInvalid', () => mergeServers('{ "servers": {', there, ['slack']));
  });
});
