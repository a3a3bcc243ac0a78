import assert from 'node:assert/strict';
import { answerTo, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { processesOf } from './support/processes';
import { cliPath, run, serverScript, startNode } from './support/programs';
import type { Finished } from './support/programs';
import { scripted } from './support/scripted';
import { Workplace } from './support/workplace';

describe('mcp-secrets call', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const token = newPlainCanary();
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', token);
    await place.addHttp('web', upstream.url, 'TOKEN=bearer');
    await place.addStdio('child', scripted(), 'TOKEN');
    await place.addStdio('everything', [process.execPath, serverScript('everything')]);
    await place.addHttp('down', 'http://127.0.0.1:9/');
  });

  beforeEach(() => {
    upstream.reset();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  function assertRefused({ code, stdout, stderr }: Finished, expectedCode: 1 | 2, message: RegExp): void {
    assert.deepEqual([code, stdout], [expectedCode, ''], stderr);
    assert.match(stderr, /^mcp-secrets: [^\n]+\n$/, 'one line');
    assert.match(stderr, message);
  }

  it('prints the text of the result', async () => {
    assert.equal(await place.ok(['call', 'web', 'do']), 'done\n');
    assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${token}`);
    assert.equal(upstream.received.at(-1)?.method, 'DELETE', 'the session is ended');
    assert.equal(await place.ok(['call', 'everything', 'get-sum', '--args', '{"a":2,"b":3}']), 'The sum of 2 and 3 is 5.\n');
  });

  it('--json prints the whole result on one line', async () => {
    const output = await place.ok(['call', 'everything', 'get-structured-content', '--args', '{"location":"Chicago"}', '--json']);
    assert.equal(output.split('\n').length, 2);
    const result = JSON.parse(output) as { structuredContent: unknown; content: unknown[] };
    assert.deepEqual(result.structuredContent, { temperature: 36, conditions: 'Light rain / drizzle', humidity: 82 });
  });

  it('never prints a value', async () => {
    upstream.script = ({ message }, response) =>
      message?.method === 'tools/call' && json(response, answerTo(message, textResult(`it is ${token}`)));
    assert.equal(await place.ok(['call', 'web', 'do']), 'it is [redacted:TOKEN]\n');
    assert.match(await place.ok(['call', 'child', 'env']), /"TOKEN":"\[redacted:TOKEN\]"/);
  });

  it('a tool that fails: exit code 1, and why on one line', async () => {
    upstream.script = ({ message }, response) =>
      message?.method === 'tools/call' && json(response, answerTo(message, { ...textResult(`no\nnot ${token}`), isError: true }));
    assertRefused(await place.cli(['call', 'web', 'do']), 1, /The tool "do" of server "web" failed: no not \[redacted:TOKEN\]/);
    assertRefused(
      await place.cli(['call', 'child', 'leak', '--args', '{"where":"error","name":"TOKEN"}']),
      1,
      /refused: \[redacted:TOKEN\]/,
    );
    assertRefused(await place.cli(['call', 'child', 'none']), 1, /unknown tool/);
  });

  it('what is wrong with the server is said', async () => {
    assertRefused(await place.cli(['call', 'down', 'do']), 1, /cannot be reached at http:\/\/127\.0\.0\.1:9/);
    assertRefused(await place.cli(['call', 'none', 'do']), 1, /There is no server "none"/);
    assertRefused(await place.cli(['call', 'child', 'hang', '--timeout', '1']), 1, /sent nothing for 1 seconds/);
    assertRefused(await place.cli(['call', 'child', 'exit']), 1, /ended before it answered \(exit code 7\)/);
  });

  it('wrong usage: exit code 2', async () => {
    const wrong: [string[], RegExp][] = [
      [['call'], /"call" needs a server\./],
      [['call', 'web'], /"call" needs a tool\./],
      [['call', 'web', 'do', 'more'], /"more" is one word too many/],
      [['call', 'web', 'do', '--args', '{'], /--args takes a JSON object/],
      [['call', 'web', 'do', '--args', '[]'], /--args takes a JSON object/],
      [['call', 'web', 'do', '--timeout', 'x'], /--timeout takes a whole number/],
      [['serve', '--port', '70000'], /--port takes a whole number up to 65535/],
      [['serve', 'now'], /"now" is one word too many/],
    ];
    for (const [args, message] of wrong) assertRefused(await place.cli(args), 2, message);
    assert.equal(upstream.received.length, 0);
  });

  it('is recorded once', async () => {
    const before = place.auditEntries().length;
    await place.ok(['call', 'web', 'recorded']);
    const lines = place
      .auditEntries()
      .slice(before)
      .filter(({ action }) => action === 'call');
    assert.deepEqual(
      lines.map(({ agent, server, tool, secrets, outcome }) => ({ agent, server, tool, secrets, outcome })),
      [{ agent: 'command line', server: 'web', tool: 'recorded', secrets: ['TOKEN'], outcome: 'ok' }],
    );
  });

  it('that is broken off ends what it started', async () => {
    const child = startNode(cliPath, ['call', 'child', 'spawn', '--args', '{"stubborn":"yes"}'], place.env, place.workspace);
    assert.equal((await run(child, '')).code, 0);
    await until('the end of the grandchild', () => processesOf(place.root).length === 0);
    const hanging = startNode(cliPath, ['call', 'child', 'hang'], place.env, place.workspace);
    const finished = run(hanging, '');
    await until('its child', () => processesOf(place.root).length === 2);
    hanging.kill('SIGINT');
    assertRefused(await finished, 1, /it was interrupted/);
    assert.deepEqual(processesOf(place.root), []);
  });
});
