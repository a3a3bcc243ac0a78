import assert from 'node:assert/strict';
import fc from 'fast-check';
import { homedir } from 'node:os';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServersSource } from '../../../src/bindings/source';
import { parseServersFile, SERVERS_FILE } from '../../../src/bindings/serversFile';
import type { Server } from '../../../src/bindings/server';
import { anyJson, anyText } from '../support/arbitraries';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

const FOLDER = '/work/space';

function only(text: string): Server {
  const { servers, problems } = parseServersFile(text, FOLDER);
  assert.deepEqual(problems, []);
  const [server] = servers.values();
  assert.ok(server !== undefined && servers.size === 1);
  return server;
}

describe('a servers file', () => {
  it('may be empty, or have no servers yet', () => {
    for (const text of ['', ' \n\t', '{"servers":{}}']) {
      const { servers, problems } = parseServersFile(text, FOLDER);
      assert.deepEqual([servers.size, problems.length], [0, 0]);
    }
  });

  it('says whose secrets a server gets: those of the workspace, or those of the scope that it names', () => {
    for (const fields of [{ url: 'https://a/' }, { command: 'x' }, { type: 'function', url: 'https://a/', tools: [{ name: 't' }] }]) {
      const scopeOf = (scope?: string): string => only(JSON.stringify({ servers: { s: { ...fields, scope } } })).scope;
      assert.deepEqual(
        [scopeOf(), scopeOf('workspace'), scopeOf('user'), scopeOf('github-work')],
        ['workspace', 'workspace', 'user', 'github-work'],
      );
    }
  });

  it('may have comments, trailing commas and a schema', () => {
    const text = '// ours\n{ "$schema": "x", /* all */ "servers": { "s": { "url": "https://a/", }, // one\n }, }';
    assert.equal(only(text).type, 'http');
  });

  it('says which server gets which secret, with every default filled in', () => {
    const text = `{"servers":{
      "github": {"type":"http","url":"https://api.example.com/mcp/","secrets":{"GITHUB_TOKEN":"bearer"}},
      "linear": {"command":"npx","args":["-y","linear-mcp"],"secrets":{"linear-api-key":"env"}},
      "slack": {"url":"https://s/","headers":{"X-Team":"blue"},
        "secrets":{"SLACK_BOT_TOKEN":"header","SIGN":{"as":"header","name":"X-Sign","template":"v0=\${value}"},"B":"body"}},
      "deploy": {"type":"function","url":"https://fn/deploy","secrets":{"DEPLOY_KEY":"body"},
        "tools":[{"name":"deploy","description":"d","inputSchema":{"type":"object"}},{"name":"t"}]}
    }}`;
    const { servers, problems } = parseServersFile(text, FOLDER);
    assert.deepEqual(problems, []);
    const value = '${value}';
    assert.deepEqual(Object.fromEntries(servers), {
      github: {
        name: 'github',
        type: 'http',
        scope: 'workspace',
        url: 'https://api.example.com/mcp/',
        headers: {},
        bindings: [{ secret: 'GITHUB_TOKEN', mode: 'bearer', name: 'Authorization', template: `Bearer ${value}` }],
      },
      linear: {
        name: 'linear',
        type: 'stdio',
        scope: 'workspace',
        command: 'npx',
        args: ['-y', 'linear-mcp'],
        env: {},
        cwd: FOLDER,
        bindings: [{ secret: 'LINEAR_API_KEY', mode: 'env', name: 'LINEAR_API_KEY', template: value }],
      },
      slack: {
        name: 'slack',
        type: 'http',
        scope: 'workspace',
        url: 'https://s/',
        headers: { 'X-Team': 'blue' },
        bindings: [
          { secret: 'SLACK_BOT_TOKEN', mode: 'header', name: 'X-Mcp-Secret-SLACK-BOT-TOKEN', template: value },
          { secret: 'SIGN', mode: 'header', name: 'X-Sign', template: `v0=${value}` },
          { secret: 'B', mode: 'body', name: 'B', template: value },
        ],
      },
      deploy: {
        name: 'deploy',
        type: 'function',
        scope: 'workspace',
        url: 'https://fn/deploy',
        headers: {},
        tools: [
          { name: 'deploy', description: 'd', inputSchema: { type: 'object' } },
          { name: 't', inputSchema: { type: 'object' } },
        ],
        bindings: [{ secret: 'DEPLOY_KEY', mode: 'body', name: 'DEPLOY_KEY', template: value }],
      },
    });
  });

  it('knows ${workspaceFolder} and ${userHome}, taken literally', () => {
    const server = parseServersFile(
      '{"servers":{"s":{"command":"${workspaceFolder}/run","args":["${userHome}/x","$HOME","$&"],"env":{"A":"${workspaceFolder}","B":1,"C":null},"cwd":"${workspaceFolder}/sub"}}}',
      "/odd $& $' folder",
    ).servers.get('s');
    assert.ok(server?.type === 'stdio');
    assert.equal(server.command, "/odd $& $' folder/run");
    assert.deepEqual(server.args, [`${homedir()}/x`, '$HOME', '$&']);
    assert.deepEqual(server.env, { A: "/odd $& $' folder", B: '1', C: null });
    assert.equal(server.cwd, "/odd $& $' folder/sub");
  });

  it('starts commands below the workspace folder', () => {
    for (const [cwd, expected] of [
      ['sub', '/work/space/sub'],
      ['/elsewhere', '/elsewhere'],
      ['../up', '/work/up'],
    ] as const) {
      const server = only(JSON.stringify({ servers: { s: { command: 'x', cwd } } }));
      assert.ok(server.type === 'stdio');
      assert.equal(server.cwd, expected);
    }
  });

  it('may use names that mean something in JavaScript', () => {
    const text = '{"servers":{"constructor":{"command":"x","env":{"toString":"1","hasOwnProperty":"2"}},"valueOf":{"url":"https://a/"}}}';
    const { servers, problems } = parseServersFile(text, FOLDER);
    assert.deepEqual(problems, []);
    assert.deepEqual([...servers.keys()], ['constructor', 'valueOf']);
    const server = servers.get('constructor');
    assert.deepEqual(server?.type === 'stdio' ? server.env : undefined, { toString: '1', hasOwnProperty: '2' });
  });

  it('pollutes no prototype', () => {
    parseServersFile(
      '{"__proto__":{"p":1},"servers":{"s":{"command":"x","__proto__":{"p":1},"env":{"__proto__":"1"},"secrets":{"__proto__":{"p":1}}}}}',
      FOLDER,
    );
    assert.equal(({} as Record<string, unknown>).p, undefined);
  });

  it('can be any text: what is wrong is a problem, never an exception', () => {
    const keys = fc.constantFrom(
      'servers',
      's',
      'type',
      'command',
      'args',
      'env',
      'url',
      'headers',
      'secrets',
      'tools',
      '__proto__',
      'as',
      'name',
    );
    const shaped = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<unknown>('http', 'stdio', 'function', 'header', 'env', 'https://a/', '${x}', '', 7, null, 1e400),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    const texts = fc.oneof(
      anyText(0, 80),
      anyJson.map((value) => JSON.stringify(value)),
      shaped.map((servers) => JSON.stringify({ servers })),
      fc
        .array(fc.constantFrom('{', '}', '[', ']', '"', '"servers"', ':', ',', '//', '/*', '\\', '\n', '1e999', '"\\ud800"'))
        .map((p) => p.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { servers, problems } = parseServersFile(text, FOLDER);
        for (const problem of problems) {
          assert.ok(problem.message.length > 3);
          assert.ok(problem.line >= 1 && problem.line <= text.split(/\r\n|\r|\n/).length);
          assert.ok(problem.server === undefined || !servers.has(problem.server));
        }
      }),
      { numRuns: 1000 },
    );
  });

  describe('of a workspace', () => {
    const folder = temporaryFolder();
    const write = (text: string): void => {
      mkdirSync(join(folder(), '.vscode'), { recursive: true });
      writeFileSync(join(folder(), SERVERS_FILE), text);
    };

    it('that is not there has no servers', async () => {
      const source = new ServersSource(folder());
      assert.equal(source.file().servers.size, 0);
      const error = await refusal('serverUnknown', () => source.get('x'));
      assert.match(error.message, /It names no servers/);
    });

    it('is always read as it is now, a byte order mark included', async () => {
      const source = new ServersSource(folder());
      write('{"servers":{"a":{"command":"x"}}}');
      assert.equal(source.get('a').type, 'stdio');
      write('\ufeff{"servers":{"bb":{"url":"https://b/"}}}');
      assert.equal(source.get('bb').type, 'http');
      const error = await refusal('serverUnknown', () => source.get('a'));
      assert.deepEqual(error.details.known, ['bb']);
    });

    it('says of a server why it cannot be used, or the file', async () => {
      const source = new ServersSource(folder());
      write('{"servers":{"ok":{"command":"x"},\n"bad":{"command":7}}}');
      assert.equal(source.get('ok').name, 'ok');
      assert.deepEqual((await refusal('serverInvalid', () => source.get('bad'))).details.line, 2);
      write('{"servers":\n{"ok" {}}}');
      assert.deepEqual((await refusal('serversFileInvalid', () => source.get('ok'))).details.line, 2);
    });

    it('that cannot be read is said to be so', async () => {
      mkdirSync(join(folder(), 'other', SERVERS_FILE), { recursive: true });
      await refusal('storeFailed', () => new ServersSource(join(folder(), 'other')).file());
    });

    it('that has no end, or is too large, is not read', async function () {
      if (process.platform === 'win32') this.skip();
      const endless = join(folder(), 'endless');
      mkdirSync(join(endless, '.vscode'), { recursive: true });
      symlinkSync('/dev/zero', join(endless, SERVERS_FILE));
      const first = await refusal('storeFailed', () => new ServersSource(endless).file());
      assert.match(first.message, /no ordinary file/);
      write(`{"servers":{}}${' '.repeat(1024 * 1024)}`);
      const second = await refusal('storeFailed', () => new ServersSource(folder()).file());
      assert.match(second.message, /larger than 1024 KiB/);
    });
  });

  describe('by somebody who wants to hold up whoever reads it', () => {
    const many = (count: number, member: (index: number) => string): string =>
      Array.from({ length: count }, (_, i) => member(i)).join(',\n');

    for (const [what, text] of [
      ['syntax errors', `{${'a b c d\n'.repeat(20_000)}}`],
      ['unknown fields', `{${many(20_000, (i) => `"k${String(i)}":1`)}}`],
      ['servers that are none', `{"servers":{"good":{"command":"x"},${many(20_000, (i) => `"k${String(i)}":1`)}}}`],
      ['unknown fields of a server', `{"servers":{"a":{"command":"x",${many(20_000, (i) => `"k${String(i)}":1`)}}}}`],
      ['one secret very often', `{"servers":{"a":{"command":"x","secrets":{${many(20_000, () => '"K":"env"')}}}}}`],
    ] as const)
      it(`${what}: the first 200 are told, and that there are more; no server is used`, () => {
        const { servers, problems } = parseServersFile(text, FOLDER);
        assert.equal(servers.size, 0);
        assert.equal(problems.length, 201);
        assert.deepEqual(
          [problems.at(-1)?.message, problems.at(-1)?.server],
          ['There are more problems. The file is not read any further.', undefined],
        );
      });

    it('very many secrets: one problem', () => {
      const secrets = (count: number): string => many(count, (i) => `"K${String(i)}":"env"`);
      const text = `{"servers":{"a":{"command":"x","secrets":{${secrets(257)}}},"b":{"command":"x","secrets":{${secrets(256)}}}}}`;
      const { servers, problems } = parseServersFile(text, FOLDER);
      assert.deepEqual([...servers.keys()], ['b']);
      assert.deepEqual(
        problems.map(({ message, server }) => [message, server]),
        [['A server can have 256 secrets at most.', 'a']],
      );
    });
  });
});
