import assert from 'node:assert/strict';
import fc from 'fast-check';
import { putBindings, putScope, putServer, putUrl, removeServer, specsOf } from '../../../src/bindings/edit';
import type { BindingSpecs, ServerSource } from '../../../src/bindings/edit';
import { parseServersFile } from '../../../src/bindings/serversFile';
import type { Server } from '../../../src/bindings/server';
import { isSecretsError } from '../../../src/shared/errors';
import { anyJson, anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';

const FILE = `// The servers of this team.
{
    /* Ask before adding one. */
    "servers": {
        // The code.
        "github": { "type": "http", "url": "https://api.example.com/mcp/", "secrets": { "GITHUB_TOKEN": "bearer" } }, // mind the limit
        "linear": {
            "command": "npx", // pinned elsewhere
            "args": ["-y", "linear-mcp"],
            "secrets": { "LINEAR_API_KEY": "env" }
        }
    }
}
`;

function serversOf(text: string): Record<string, Server> {
  const { servers, problems } = parseServersFile(text, '/w');
  assert.deepEqual(problems, []);
  return Object.fromEntries(servers);
}

/** Every comment of a text that is expected to keep them all. */
const COMMENTS = FILE.match(/\/\/ .*|\/\*.*\*\//g) ?? [];

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,15}$/);
const secretName = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,10}$/);
// No "$": "${x}" means something in a servers file.
const plain = anyText(1, 20).map((text) => text.replaceAll(/[$\0]/g, '-'));
const url = fc.webUrl({ withQueryParameters: true });

const http: fc.Arbitrary<[ServerSource, BindingSpecs]> = fc.tuple(
  fc.record({ type: fc.constant('http' as const), url }),
  fc.dictionary(
    secretName,
    fc.record({ as: fc.constant('header' as const), template: fc.constantFrom(undefined, '${value}', 'Token ${value}') }),
    { maxKeys: 3 },
  ),
);
const stdio: fc.Arbitrary<[ServerSource, BindingSpecs]> = fc.tuple(
  fc.record({ type: fc.constant('stdio' as const), command: plain, args: fc.array(plain, { maxLength: 3 }) }),
  fc.dictionary(secretName, fc.record({ as: fc.constantFrom('env' as const, 'body' as const) }), { maxKeys: 3 }),
);

describe('edits of a servers file', () => {
  it('give back the server that was put in, and removing it gives back the rest', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', '{"servers":{}}', FILE, FILE.replaceAll('\n', '\r\n')),
        name,
        fc.oneof(http, stdio),
        (text, added, [source, secrets]) => {
          const before = serversOf(text);
          const put = putServer(text, added, source, secrets);
          const after = serversOf(put);
          const server = after[added];
          assert.ok(server);
          assert.equal(server.type, source.type);
          if (server.type === 'http' && source.type === 'http') assert.equal(server.url, source.url);
          if (server.type === 'stdio' && source.type === 'stdio') {
            assert.equal(server.command, source.command);
            assert.deepEqual(server.args, source.args);
          }
          assert.deepEqual(
            server.bindings.map((b) => [b.secret, b.mode]).sort(),
            Object.entries(secrets)
              .map(([key, spec]) => [key, spec.as])
              .sort(),
          );
          assert.deepEqual({ ...after, [added]: undefined }, { ...before, [added]: undefined });

          const removed = serversOf(removeServer(put, added));
          Reflect.deleteProperty(before, added);
          assert.deepEqual(removed, before);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keep comments and formatting', () => {
    const added = putServer(FILE, 'new', { type: 'stdio', command: 'npx', args: ['x'] }, { K: { as: 'env' } });
    for (const comment of COMMENTS) assert.ok(added.includes(comment), comment);
    for (const line of FILE.split('\n').slice(0, 9)) assert.ok(added.includes(line), line);
    assert.match(added, /^ {8}"new": \{$/m);

    const bound = putBindings(FILE, 'github', { GITHUB_TOKEN: { as: 'header' }, OTHER: { as: 'body', name: 'o' } });
    for (const comment of COMMENTS) assert.ok(bound.includes(comment), comment);
    assert.deepEqual(
      serversOf(bound).github?.bindings.map((b) => [b.secret, b.mode, b.name]),
      [
        ['GITHUB_TOKEN', 'header', 'X-Mcp-Secret-GITHUB-TOKEN'],
        ['OTHER', 'body', 'o'],
      ],
    );

    const moved = putUrl(FILE, 'github', 'https://other.example/');
    assert.equal(moved, FILE.replace('https://api.example.com/mcp/', 'https://other.example/'));
  });

  it('keep tabs and Windows line ends', () => {
    const text = '{\r\n\t"servers": {\r\n\t\t"a": { "command": "x" }\r\n\t}\r\n}\r\n';
    const put = putServer(text, 'b', { type: 'http', url: 'https://b/' }, {});
    assert.doesNotMatch(put, /[^\r]\n/);
    assert.match(put, /\r\n\t\t"b": \{\r\n\t\t\t"type"/);
  });

  it('add what a file lacks', () => {
    assert.deepEqual(Object.keys(serversOf(putServer('{}', 'a', { type: 'http', url: 'https://a/' }, {}))), ['a']);
    assert.deepEqual(Object.keys(serversOf(putServer('{ "$schema": "x" }', 'a', { type: 'http', url: 'https://a/' }, {}))), ['a']);
  });

  it('replace a server of the same name', () => {
    const put = putServer(FILE, 'linear', { type: 'http', url: 'https://l/' }, {});
    assert.deepEqual(serversOf(put).linear, {
      name: 'linear',
      type: 'http',
      url: 'https://l/',
      headers: {},
      bindings: [],
      scope: 'workspace',
    });
    assert.equal(Object.keys(serversOf(put)).length, 2);
  });

  it('switch a server to another scope and back, and touch nothing else', () => {
    const switched = putScope(FILE, 'github', 'github-work');
    assert.equal(serversOf(switched).github?.scope, 'github-work');
    assert.equal(serversOf(switched).linear?.scope, 'workspace');
    for (const comment of COMMENTS) assert.ok(switched.includes(comment), comment);
    assert.equal(serversOf(putScope(switched, 'github', 'user')).github?.scope, 'user');
    for (const back of ['workspace', undefined]) {
      const text = putScope(switched, 'github', back);
      assert.doesNotMatch(text, /scope/, 'the default is not written down');
      assert.deepEqual(serversOf(text), serversOf(FILE));
    }
    assert.equal(serversOf(putServer('', 's', { type: 'http', url: 'https://s/', scope: 'user' }, {})).s?.scope, 'user');
  });

  it('make an empty file whole, ready to be read by people', () => {
    assert.equal(
      putServer('', 'a', { type: 'http', url: 'https://a/' }, { K: { as: 'bearer' } }),
      '{\n  "servers": {\n    "a": {\n      "type": "http",\n      "url": "https://a/",\n      "secrets": {\n        "K": "bearer"\n      }\n    }\n  }\n}\n',
    );
  });

  it('take all bindings away when there are to be none', () => {
    const text = putBindings(FILE, 'github', {});
    assert.deepEqual(serversOf(text).github?.bindings, []);
    assert.doesNotMatch(text, /GITHUB_TOKEN/);
  });

  it('write bindings as they were read', () => {
    const spec = {
      A: { as: 'header', name: 'X-A', template: 'v=${value}' },
      B: { as: 'bearer' },
      C: { as: 'header' },
      D: { as: 'body', name: 'd' },
    } as const;
    const server = serversOf(putServer('', 's', { type: 'http', url: 'https://s/' }, spec)).s;
    assert.ok(server);
    assert.deepEqual(specsOf(server), spec);
  });

  describe('are refused', () => {
    it('for names that no server can have', async () => {
      for (const bad of ['', 'a b', '../x', '__proto__', '-x', 'a/b', 'x'.repeat(65), 'a\n'])
        await refusal('serverNameInvalid', () => putServer(FILE, bad, { type: 'http', url: 'https://a/' }, {}));
    });

    it('when the result would not be valid', async () => {
      await refusal('serverInvalid', () => putServer(FILE, 'a', { type: 'http', url: 'nowhere' }, {}));
      await refusal('serverInvalid', () => putServer(FILE, 'a', { type: 'http', url: 'https://a/' }, { K: { as: 'env' } }));
      await refusal('serverInvalid', () => putBindings(FILE, 'linear', { K: { as: 'bearer' } }));
      await refusal('serverInvalid', () => putUrl(FILE, 'github', 'https://u:p@x/'));
      await refusal('serverInvalid', () => putUrl(FILE, 'linear', 'https://a/'));
      for (const scope of ['', 'a b', '../user', 'x'.repeat(65), '-x', 'user\n'])
        await refusal('serverInvalid', () => putScope(FILE, 'github', scope));
    });

    it('for servers that are not there', async () => {
      await refusal('serverUnknown', () => putBindings(FILE, 'nobody', {}));
      await refusal('serverUnknown', () => putUrl(FILE, 'nobody', 'https://a/'));
      await refusal('serverUnknown', () => putScope(FILE, 'nobody', 'user'));
      await refusal('serverUnknown', () => removeServer(FILE, 'nobody'));
      await refusal('serverUnknown', () => removeServer('', 'nobody'));
    });

    it('in a file with a syntax error: they would land in the wrong place', async () => {
      const broken = FILE.replace('"linear": {', '"linear" {');
      const error = await refusal('serversFileInvalid', () => putServer(broken, 'a', { type: 'http', url: 'https://a/' }, {}));
      assert.equal(error.details.line, 7);
      await refusal('serversFileInvalid', () => removeServer(broken, 'github'));
    });

    it('in words of ours, whatever the file holds', async () => {
      const texts = fc.oneof(
        anyText(0, 40),
        anyJson.map((value) => JSON.stringify(value)),
        anyJson.map((servers) => JSON.stringify({ servers })),
        anyJson.map((s) => JSON.stringify({ servers: { s } })),
        fc.constantFrom(
          '[',
          '1',
          'null',
          '"x"',
          '{"servers":null}',
          '{"servers":[]}',
          '// only a comment',
          '{"servers":{},"servers":{}}',
          '['.repeat(100_000),
        ),
      );
      await fc.assert(
        fc.asyncProperty(texts, async (text) => {
          for (const edit of [
            () => putServer(text, 's', { type: 'http', url: 'https://a/' }, { K: { as: 'bearer' } }),
            () => putBindings(text, 's', {}),
            () => putUrl(text, 's', 'https://a/'),
            () => putScope(text, 's', 'work'),
            () => removeServer(text, 's'),
          ]) {
            const error = await outcomeOf(edit);
            assert.ok(error === undefined || isSecretsError(error), `${text.slice(0, 60)}: ${String(error)}`);
          }
        }),
        { numRuns: 300 },
      );
    });
  });

  it('can remove a server that has problems', () => {
    const text = '{"servers":{"bad":{"command":7},"good":{"url":"https://g/"}}}';
    assert.deepEqual(Object.keys(serversOf(removeServer(text, 'bad'))), ['good']);
  });
});
