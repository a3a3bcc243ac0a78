import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
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

  it('what a server that fails has said on its standard error is shown, without values; what others say is not', async () => {
    const says = (then: string): string[] => [
      process.execPath,
      '-e',
      `for (let i = 1; i < 20; i++) console.error('line ' + i); console.error('\\x1b[31mno ' + process.env.TOKEN); ${then}`,
    ];
    await place.addStdio('fails', says('process.exitCode = 3'), 'TOKEN');
    await place.addStdio('waits', says('setInterval(() => undefined, 1000)'), 'TOKEN');
    const lines = [...Array.from({ length: 9 }, (_, i) => `[fails] line ${String(i + 11)}`), '[fails] \\u001b[31mno [redacted:TOKEN]'];
    const { code, stdout, stderr } = await place.cli(['call', 'fails', 'do']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.deepEqual(stderr.split('\n').slice(0, -2), lines);
    assert.match(stderr, /\nmcp-secrets: .*ended before it answered \(exit code 3\)\. Its own messages are .*on standard error/);
    const silent = await place.cli(['call', 'waits', 'do', '--timeout', '6']);
    assert.deepEqual(
      silent.stderr.split('\n').slice(0, -2),
      lines.map((line) => line.replace('fails', 'waits')),
    );
    assert.match(silent.stderr, /\nmcp-secrets: .*sent nothing for 6 seconds/);
    const fine = await place.cli(['call', 'child', 'leak', '--args', '{"where":"stderr","name":"TOKEN"}']);
    assert.deepEqual([fine.code, fine.stderr], [0, '']);
  });

  it('waits for as long as the limits allow: progress counts, and what the servers file says counts more than --timeout', async () => {
    const file = JSON.parse(readFileSync(place.serversFile, 'utf8')) as { servers: Record<string, object> };
    await place.servers({ ...file.servers, patient: { url: upstream.url, limits: { callTimeout: '20s' } } }, 'patient');
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      const { progressToken } = message.params?._meta as { progressToken: unknown };
      const says = message.params?.name === 'says';
      if (says) response.writeHead(200, { 'content-type': 'text/event-stream' });
      const progress = (): void =>
        void response.write(event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } }));
      const timer = says ? setInterval(progress, 200) : undefined;
      void setTimeout(7_000).then(() => {
        clearInterval(timer);
        if (says) response.end(event(answerTo(message, textResult('done'))));
        else json(response, answerTo(message, textResult('done')));
      });
      return true;
    };
    const calls = [
      ['web', 'says'],
      ['patient', 'is-silent'],
    ];
    assert.deepEqual(await Promise.all(calls.map((words) => place.ok(['call', ...words, '--timeout', '3']))), ['done\n', 'done\n']);
    assertRefused(await place.cli(['call', 'web', 'is-silent', '--timeout', '3']), 1, /sent nothing for 3 seconds/);
  });

  it('wrong usage: exit code 2', async () => {
    const wrong: [string[], RegExp][] = [
      [['call'], /"call" needs a server\./],
      [['call', 'web'], /"call" needs a tool\./],
      [['call', 'web', 'do', 'more'], /"more" is one word too many/],
      [['call', 'web', 'do', '--args', '{'], /--args takes a JSON object/],
      [['call', 'web', 'do', '--args', '[]'], /--args takes a JSON object/],
      [['call', 'web', 'do', '--timeout', 'x'], /--timeout takes a whole number/],
      [['call', 'web', 'do', '--timeout', '0'], /--timeout takes a whole number from 1 to 86400/],
      [['serve', '--timeout', '0'], /--timeout takes a whole number from 1 to 86400/],
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

  it('that is broken off while its answer comes as a stream ends as well', async () => {
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      const { progressToken } = message.params?._meta as { progressToken: unknown };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } }));
      return true;
    };
    const child = startNode(cliPath, ['call', 'web', 'do'], place.env, place.workspace);
    const finished = run(child, '');
    await until('the call', () => upstream.of('tools/call').length === 1);
    await setTimeout(300);
    child.kill('SIGINT');
    assertRefused(await finished, 1, /it was interrupted/);
  });
});
