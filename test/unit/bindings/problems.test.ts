import assert from 'node:assert/strict';
import { parseServersFile } from '../../../src/bindings/serversFile';

const FOLDER = '/work/space';
/** One server named `s` that starts in line 3. */
const server = (...fields: string[]): string =>
  `{\n  "servers": {\n    "s": {\n${fields.map((f) => `      ${f}`).join(',\n')}\n    }\n  }\n}\n`;
const http = '"url": "https://example.com/mcp"';
const stdio = '"command": "npx"';
const tools = '"tools": [{ "name": "t" }]';
const fn = '"type": "function", "url": "https://example.com/fn"';

/** The text of a wrong file, the line and the words of its one problem, and the server that it spoils (none: all). */
const PROBLEMS: readonly (readonly [what: string, text: string, line: number, message: RegExp, server?: string])[] = [
  // the file
  ['a syntax error', '{\n  "$schema": "x"\n  "servers": {}\n}', 3, /^Syntax error: Comma Expected\.$/],
  ['a list', '\n[]', 2, /object with "servers"/],
  ['a text', '"servers"', 1, /object with "servers"/],
  ['no servers', '{}', 1, /has no "servers"/],
  ['servers that are a list', '{\n "servers": []\n}', 2, /"servers" must be an object/],
  ['servers twice', '{\n "servers": {},\n "servers": {}\n}', 3, /"servers" is given twice/],
  ['an unknown field', '{\n "servers": {},\n "server": {}\n}', 3, /Unknown field "server"/],
  ['inputs, as in mcp.json', '{\n "inputs": [],\n "servers": {}\n}', 2, /"inputs" are not used here: add a secret/],
  ['nesting without end', `{"servers":\n${'['.repeat(100_000)}`, 2, /nested more than 200 levels/],
  ['nesting without end, closed', `\n${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`, 2, /nested more than 200 levels/],
  // the server
  ['a name with a space', '{"servers":{\n"a b":{"command":"x"}}}', 2, /server name has/, 'a b'],
  ['no name', '{"servers":{\n"":{"command":"x"}}}', 2, /server name has/, ''],
  ['a name that leads elsewhere', '{"servers":{\n"../x":{"command":"x"}}}', 2, /server name has/, '../x'],
  ['the name __proto__', '{"servers":{\n"__proto__":{"command":"x"}}}', 2, /server name has/, '__proto__'],
  ['two of one name', '{"servers":{\n"s":{"command":"x"},\n"s":{"command":"y"}}}', 3, /two servers named "s"/, 's'],
  ['a text for a server', '{"servers":{\n"s":"npx"}}', 2, /must be an object/, 's'],
  ['nothing', server(''), 3, /needs a "type"/, 's'],
  ['a header of the connection', server(http, '"headers": { "Content-Length": "0" }'), 5, /belongs to the connection/, 's'],
  ['a variable in a header', server(http, '"headers": { "X-Token": "${env:TOKEN}" }'), 5, /\$\{env:TOKEN\} is not available/, 's'],
  ['a scope with a slash', server(http, '"scope": "../user"'), 5, /A scope has 1 to 64/, 's'],
  ['an empty scope', server(stdio, '"scope": ""'), 5, /A scope has 1 to 64/, 's'],
  ['a scope that is no text', server(fn, tools, '"scope": ["user"]'), 6, /This must be a text/, 's'],
  ['a revision of MCP that there is not', server(http, '"protocol": "2026-01-01"'), 5, /must be "2025-11-25" or "2026-07-28"/, 's'],
  ['a revision of MCP for sse', server('"type": "sse"', http, '"protocol": "2025-11-25"'), 6, /Unknown field "protocol"/, 's'],
  ['an unknown type', server('"type": "http2"', http), 4, /type must be "http", "sse", "stdio" or "function"/, 's'],
  ['a type that is no text', server('"type": 7', http), 4, /type must be/, 's'],
  ['the old sse type without an address', server('"type": "sse"'), 3, /"url" is missing/, 's'],
  ['a command for sse', server('"type": "sse"', http, stdio), 6, /Unknown field "command"/, 's'],
  // limits
  ['limits that are a list', server(http, '"limits": []'), 5, /must be an object/, 's'],
  ['a limit that there is not', server(http, '"limits": {\n"timeout": "1m" }'), 6, /Unknown field "timeout"/, 's'],
  ['a time that is a number', server(http, '"limits": {\n"callTimeout": 60 }'), 6, /This must be a text/, 's'],
  ['a time without a unit', server(http, '"limits": {\n"callTimeout": "60" }'), 6, /a time from 1 second to 24 days, such as "30s"/, 's'],
  ['no time at all', server(stdio, '"limits": {\n"startTimeout": "0s" }'), 6, /a time from 1 second/, 's'],
  ['a time that no timer can measure', server(http, '"limits": {\n"maxCallTime": "1y" }'), 6, /to 24 days/, 's'],
  ['no calls at a time', server(http, '"limits": {\n"concurrency": 0 }'), 6, /at least 1/, 's'],
  ['half a call at a time', server(http, '"limits": {\n"concurrency": 1.5 }'), 6, /whole number/, 's'],
  ['a rate without a span', server(http, '"limits": {\n"rate": "120" }'), 6, /such as "5\/s", "120\/m"/, 's'],
  ['a rate of nothing', server(http, '"limits": {\n"rate": "0/s" }'), 6, /a number of calls/, 's'],
  ['a size without a unit', server(http, '"limits": {\n"replySize": "1000" }'), 6, /a size of at most 64MB/, 's'],
  ['more than an agent may send', server(http, '"limits": {\n"requestSize": "5MB" }'), 6, /a size of at most 4MB/, 's'],
  ['idle for a while', server(stdio, '"limits": {\n"idle": "a while" }'), 6, /or "never"/, 's'],
  ['a field twice', server(stdio, '"args": []', '"args": ["-y"]'), 6, /"args" is given twice/, 's'],
  ['a variable twice', server(stdio, '"env": { "A": "1",\n"A": "2" }'), 6, /"A" is given twice/, 's'],
  ['an unknown field', server(stdio, '"arg": []'), 5, /Unknown field "arg"/, 's'],
  ['the field __proto__', server(stdio, '"__proto__": { "command": "x" }'), 5, /Unknown field "__proto__"/, 's'],
  ['a command for http', server('"type": "http"', http, stdio), 6, /Unknown field "command"/, 's'],
  // http
  ['no url', server('"type": "http"'), 3, /"url" is missing/, 's'],
  ['a url that is none', server('"url": "example"'), 4, /http:\/\/ or https:\/\/ address/, 's'],
  ['a file url', server('"url": "file:///etc/passwd"'), 4, /http:\/\/ or https:\/\/ address/, 's'],
  ['a script url', server('"url": "javascript:alert(1)"'), 4, /http:\/\/ or https:\/\/ address/, 's'],
  ['credentials in the url', server('"url": "https://user:pass@example.com/"'), 4, /without a user name, password/, 's'],
  ['a header name that is none', server(http, '"headers": {\n"X Y": "1" }'), 6, /not a header name/, 's'],
  ['a line break in a header', server(http, '"headers": {\n"X": "a\\r\\nHost: evil" }'), 6, /line breaks or control/, 's'],
  ['a NUL in a header', server(http, '"headers": {\n"X": "a\\u0000" }'), 6, /line breaks or control/, 's'],
  ['a character that no header carries', server(http, '"headers": {\n"X": "✓" }'), 6, /cannot contain this character/, 's'],
  ['a header that is no text', server(http, '"headers": {\n"X": 1 }'), 6, /must be a text/, 's'],
  // stdio
  ['no command', server('"type": "stdio"'), 3, /"command" is missing/, 's'],
  ['an empty command', server('"command": ""'), 4, /must not be empty/, 's'],
  ['a NUL in the command', server('"command": "a\\u0000b"'), 4, /NUL/, 's'],
  ['arguments in one text', server(stdio, '"args": "-y x"'), 5, /must be a list/, 's'],
  ['an argument that is no text', server(stdio, '"args": ["-y",\n 7]'), 6, /must be a text/, 's'],
  ['a NUL in an argument', server(stdio, '"args": ["-y",\n "a\\u0000b"]'), 6, /NUL/, 's'],
  ['a variable name that is none', server(stdio, '"env": {\n"A=B": "1" }'), 6, /not the name of a variable/, 's'],
  ['an unknown ${variable}', server(stdio, '"args": ["${env:HOME}"]'), 5, /\$\{env:HOME\} is not available here/, 's'],
  ['an unknown ${variable} in env', server(stdio, '"env": {\n"A": "${input:token}" }'), 6, /\$\{input:token\} is not available/, 's'],
  // function
  ['no tools', server(fn), 3, /"tools" is missing/, 's'],
  ['an empty list of tools', server(fn, '"tools": []'), 5, /at least one tool/, 's'],
  ['a tool name that is none', server(fn, '"tools": [{\n"name": "a b" }]'), 6, /tool name has/, 's'],
  ['an unknown field of a tool', server(fn, '"tools": [{ "name": "t",\n"schema": {} }]'), 6, /Unknown field "schema"/, 's'],
  // secrets
  ['a mode that there is not', server(http, '"secrets": {\n"K": "cookie" }'), 6, /mode must be "header", "bearer", "body" or "env"/, 's'],
  ['a mode that there is not, in an object', server(http, '"secrets": { "K": {\n"as": "cookie" } }'), 6, /mode must be/, 's'],
  ['no mode', server(http, '"secrets": {\n"K": {} }'), 6, /mode must be/, 's'],
  ['env for http', server(http, '"secrets": {\n"K": "env" }'), 6, /"env" is not possible for http.*"header", "bearer" or "body"/, 's'],
  ['header for stdio', server(stdio, '"secrets": {\n"K": "header" }'), 6, /"header" is not possible for stdio/, 's'],
  ['env for a function', server(fn, tools, '"secrets": {\n"K": "env" }'), 7, /"env" is not possible for function/, 's'],
  ['a name that no secret can have', server(http, '"secrets": {\n"--": "bearer" }'), 6, /cannot be the name of a secret/, 's'],
  ['one secret under two spellings', server(http, '"secrets": { "MY_KEY": "header",\n"my-key": "body" }'), 6, /MY_KEY is bound twice/, 's'],
  ['one secret twice', server(http, '"secrets": { "K": "header",\n"K": "body" }'), 6, /"K" is given twice/, 's'],
  ['two secrets in one header', server(http, '"secrets": { "A": "bearer",\n"B": { "as": "header", "name": "authorization" } }'), 6, /Two secrets are sent as "authorization"/, 's'],
  ['two secrets in one variable', server(stdio, '"secrets": { "A": "env",\n"B": { "as": "env", "name": "A" } }'), 6, /Two secrets are sent as "A"/, 's'],
  ['a template without the value', server(http, '"secrets": { "K": {\n"as": "header", "template": "Token" } }'), 6, /must contain \$\{value\}/, 's'],
  ['a line break in a template', server(http, '"secrets": {\n"K": { "as": "header", "template": "a\\n${value}" } }'), 6, /header template cannot contain line breaks/, 's'],
  ['a NUL in a template', server(stdio, '"secrets": {\n"K": { "as": "env", "template": "\\u0000${value}" } }'), 6, /NUL/, 's'],
  ['a name with bearer', server(http, '"secrets": {\n"K": { "as": "bearer", "name": "X" } }'), 6, /"bearer" takes no "name"/, 's'],
  ['an empty name', server(http, '"secrets": { "K": { "as": "header",\n"name": "" } }'), 6, /must not be empty/, 's'],
  ['a header name that is none', server(http, '"secrets": {\n"K": { "as": "header", "name": "X: 1\\r\\nY" } }'), 6, /not a header name/, 's'],
  ['a header of the connection', server(http, '"secrets": {\n"K": { "as": "header", "name": "Host" } }'), 6, /"Host" belongs to the connection/, 's'],
  ['a header of the protocol', server(http, '"secrets": {\n"K": { "as": "header", "name": "Mcp-Session-Id" } }'), 6, /belongs to the connection/, 's'],
  ['a header that repeats an argument', server(http, '"secrets": {\n"K": { "as": "header", "name": "mcp-Param-Token" } }'), 6, /repeats an argument of a call and cannot carry a secret/, 's'],
  ['a variable that cannot be', server(stdio, '"secrets": {\n"9K": "env" }'), 6, /"9K" cannot be the name of an environment variable/, 's'],
  ['the header __proto__', server(http, '"secrets": {\n"K": { "as": "header", "name": "__proto__" } }'), 6, /name cannot be used/, 's'],
  ['an unknown field of a binding', server(http, '"secrets": { "K": { "as": "header",\n"format": "x" } }'), 6, /Unknown field "format"/, 's'],
]; // prettier-ignore

describe('problems of a servers file', () => {
  for (const [what, text, line, message, name] of PROBLEMS) {
    it(`${name === undefined ? 'in the file' : 'in a server'}: ${what}`, () => {
      const { servers, problems } = parseServersFile(text, FOLDER);
      const [problem] = problems;
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.match(problem?.message ?? '', message);
      assert.match(problem?.message ?? '', /[.]$/);
      assert.equal(problem?.line, line);
      assert.equal(problem.server, name);
      assert.ok(problem.offset >= 0 && problem.length > 0 && problem.offset + problem.length <= text.length + 1);
      assert.equal(text.slice(0, problem.offset).split('\n').length, line);
      assert.equal(servers.size, 0);
    });

    if (name !== undefined) {
      it(`spoil no other server: ${what}`, () => {
        const more = text
          .replace('"servers": {', '"servers":{')
          .replace('"servers":{', '"servers":{"good":{"url":"https://good.example/"},');
        const { servers, problems } = parseServersFile(more, FOLDER);
        assert.deepEqual([...servers.keys()], ['good']);
        assert.equal(problems.length, 1);
      });
    }
  }

  it('spoil the file only where nothing can be known of its servers', () => {
    const spoiled = (text: string): boolean => parseServersFile(text, FOLDER).spoiled === true;
    const many = Array.from({ length: 201 }, (_, i) => `"s${String(i)}":{}`).join();
    for (const text of ['{ "servers": {', '[]', '{}', '{"inputs":[]}', '{"servers":[]}', '['.repeat(1_000), `{"servers":{${many}}}`])
      assert.ok(spoiled(text), text.slice(0, 50));
    const beside = ['{"inputs":[],"servers":{}}', '{"server":{},"servers":{}}', '{"servers":{},"servers":{}}'];
    for (const text of ['', ' \n', '{"servers":{}}', ...beside, '{"servers":{"s":{}}}', '{"servers":{"a b":{}}}'])
      assert.ok(!spoiled(text), text);
  });

  it('are all named, not only the first', () => {
    const text = server('"url": "nowhere"', '"what": 1', '"headers": { "a b": "1" }');
    assert.deepEqual(
      parseServersFile(text, FOLDER).problems.map((p) => p.line),
      [4, 6, 5],
    );
  });

  it('are on the right line with Windows line ends, and point at the right place', () => {
    const text = server(http, '"secrets": { "K":\n "cookie" }').replaceAll('\n', '\r\n');
    const [problem] = parseServersFile(text, FOLDER).problems;
    assert.equal(problem?.line, 6);
    assert.equal(text.slice(problem.offset, problem.offset + problem.length), '"cookie"');
  });

  it('do not repeat values: a credential may stand in the wrong place', () => {
    for (const field of [
      '"url": "https://u:hunter2hunter2@x/"',
      `${http}, "headers": {"X": "hunter2hunter2\\n"}`,
      `${http}, "secrets": {"K": "hunter2hunter2"}`,
    ]) {
      const { problems } = parseServersFile(server(field), FOLDER);
      assert.equal(problems.length, 1);
      assert.doesNotMatch(problems[0]?.message ?? '', /hunter2/);
    }
  });
});
