import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

interface Listed {
  readonly servers: readonly { readonly name: string }[];
  readonly problems: readonly { readonly server?: string; readonly line: number; readonly problem: string }[];
}

describe('a malformed servers file', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    serving = await place.serve();
    agent = new Agent(serving, 'one');
  });

  after(async () => {
    assert.equal(upstream.connections, 0);
    agent.close();
    await place.close();
    await upstream.stop();
  });

  const files: Record<string, { text: string; kind: 'serversFileInvalid' | 'serverInvalid'; line: number; problem: RegExp }> = {
    'a syntax error': {
      text: '{\n  "servers": {\n    "one": { "url": "URL" \n  }\n',
      kind: 'serversFileInvalid',
      line: 5,
      problem: /Syntax error: Close Brace Expected\./i,
    },
    'no object': { text: '[]', kind: 'serversFileInvalid', line: 1, problem: /must hold an object with "servers"/ },
    'no servers': { text: '{ "server": {} }', kind: 'serversFileInvalid', line: 1, problem: /Unknown field "server"/ },
    'an unknown field': {
      text: '{ "servers": { "one": {\n "url": "URL",\n "headerz": {} } } }',
      kind: 'serverInvalid',
      line: 3,
      problem: /Unknown field "headerz"/,
    },
    'a duplicate name': {
      text: '{ "servers": { "one": { "url": "URL" },\n "one": { "url": "URL" } } }',
      kind: 'serverInvalid',
      line: 2,
      problem: /two servers named "one"/,
    },
    'a duplicate key': {
      text: '{ "servers": { "one": { "url": "URL",\n "url": "http://evil.example" } } }',
      kind: 'serverInvalid',
      line: 2,
      problem: /"url" is given twice/,
    },
    'a mode that there is not': {
      text: '{ "servers": { "one": { "url": "URL", "secrets": {\n "A": "cookie" } } } }',
      kind: 'serverInvalid',
      line: 2,
      problem: /The mode must be "header", "bearer", "body" or "env"/,
    },
    'a mode that is not for this type': {
      text: '{ "servers": { "one": { "url": "URL", "secrets": { "A": "env" } } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /"env" is not possible for http servers\. Use "header", "bearer" or "body"/,
    },
    'a header that belongs to the connection': {
      text: '{ "servers": { "one": { "url": "URL", "secrets": { "A": { "as": "header", "name": "Host" } } } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /The header "Host" belongs to the connection/,
    },
    'a header value with a line break': {
      text: '{ "servers": { "one": { "url": "URL", "headers": { "X-A": "b\\r\\nX-B: c" } } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /cannot contain line breaks/,
    },
    'a template with a line break': {
      text: '{ "servers": { "one": { "url": "URL", "secrets": { "A": { "as": "header", "template": "${value}\\r\\nX-B: c" } } } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /template cannot contain line breaks/,
    },
    'two secrets in one header': {
      text: '{ "servers": { "one": { "url": "URL", "secrets": { "A": "bearer", "B": { "as": "header", "name": "authorization" } } } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /Two secrets are sent as "authorization"/,
    },
    'a secret bound twice': {
      text: '{ "servers": { "one": { "url": "URL", "secrets": { "a-b": "header", "A_B": "bearer" } } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /The secret A_B is bound twice/,
    },
    'an address with a password': {
      text: '{ "servers": { "one": { "url": "http://u:p@127.0.0.1/" } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /without a user name, password or fragment/,
    },
    'an address of another kind': {
      text: '{ "servers": { "one": { "url": "file:///etc/passwd" } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /must be an http:\/\/ or https:\/\/ address/,
    },
    'another type': {
      text: '{ "servers": { "one": { "type": "websocket", "url": "URL" } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /The type must be "http", "sse", "stdio" or "function"/,
    },
    'a variable that there is not': {
      text: '{ "servers": { "one": { "command": "${env:HOME}/x" } } }',
      kind: 'serverInvalid',
      line: 1,
      problem: /\$\{env:HOME\} is not available here/,
    },
  };

  for (const [what, { text, kind, line, problem }] of Object.entries(files)) {
    it(`${what}: said at the call, by "server list" and by "server approve", with its line`, async () => {
      await place.servers(text.replaceAll('URL', upstream.url));
      const answer = await agent.initialize();
      assert.equal(answer.status, 200);
      const { error } = answer.messages[0] ?? {};
      assert.deepEqual([error?.code, error?.data?.kind], [-32000, kind]);
      assert.match(error?.message ?? '', problem);
      assert.match(error?.message ?? '', new RegExp(`line ${String(line)}\\b.*Correct it there\\.$`));
      const approve = await place.cli(['server', 'approve', 'one']);
      assert.deepEqual([approve.code, approve.stderr], [1, `mcp-secrets: ${error?.message ?? ''}\n`]);
      const listed = JSON.parse(await place.ok(['server', 'list', '--json'])) as Listed;
      assert.deepEqual(listed.servers, []);
      assert.ok(
        listed.problems.some((found) => found.line === line && problem.test(found.problem)),
        JSON.stringify(listed),
      );
      assert.match(await place.ok(['server', 'list']), new RegExp(`^Line ${String(line)}\\b.*: `, 'm'));
    });
  }

  it('a problem in one server leaves the others alone', async () => {
    await place.servers(`{ "servers": { "bad": { "url": 5 }, "one": { "command": "true" } } }`, 'one');
    const listed = JSON.parse(await place.ok(['server', 'list', '--json'])) as Listed;
    assert.deepEqual([listed.servers.map(({ name }) => name), listed.problems.map(({ server }) => server)], [['one'], ['bad']]);
  });

  it('no file: the server is unknown, and the answer says how to add one', async () => {
    await place.servers('');
    const answer = await agent.initialize();
    assert.equal(answer.status, 404);
    assert.match(answer.messages[0]?.error?.message ?? '', /It names no servers\. Add it with .*"mcp-secrets server add"/);
  });
});
