import assert from 'node:assert/strict';
import { encodings } from '../fixtures/encodings';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { holds, newCanary, newPlainCanary } from './support/canaries';
import type { Serving } from './support/serving';
import { until } from './support/eventually';
import { textOf } from './support/scripted';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

describe('what an http upstream repeats is taken out of what the agent sees', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const body = newCanary();
  let token = newPlainCanary();
  const values = [body, token];
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', token);
    await place.secret('BODY', body);
    await place.addHttp('one', upstream.url, 'TOKEN=bearer', 'BODY=body');
    serving = await place.serve();
  });

  beforeEach(async () => {
    upstream.reset();
    agent = new Agent(serving, 'one');
    await agent.initialize();
  });

  afterEach(() => {
    agent.close();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  /** Both values in every encoding. */
  const leak = (): string => [token, body].flatMap(encodings).join(' ');

  function assertClean(text: string): void {
    for (const value of values) assert.ok(!holds(text, value), text);
  }

  const onCall =
    (script: Script): Script =>
    (request, response) =>
      request.message?.method === 'tools/call' && script(request, response) === true;

  it('in results', async () => {
    upstream.script = onCall(({ message }, response) =>
      json(response, answerTo(message, { ...textResult(leak()), structuredContent: { [token]: leak() } })),
    );
    const answer = await agent.tool('do');
    assertClean(answer.body);
    const words = textOf(answer).split(' ');
    assert.equal(words[0], '[redacted:TOKEN]');
    assert.ok(answer.body.includes('[redacted:BODY]'));
    assert.deepEqual(Object.keys(answer.messages[0]?.result?.structuredContent as object), ['[redacted:TOKEN]']);
  });

  it('in JSON with escapes of its own', async () => {
    const escaped = Array.from(token, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    upstream.script = onCall(({ message }, response) =>
      json(response, `{"jsonrpc":"2.0","id":${String(message?.id)},"result":{"content":[{"type":"text","text":"${escaped}"}]}}`),
    );
    assert.equal(textOf(await agent.tool('do')), '[redacted:TOKEN]');
  });

  it('in JSON-RPC errors', async () => {
    upstream.script = onCall(({ message }, response) =>
      json(response, { jsonrpc: '2.0', id: message?.id, error: { code: -32001, message: `bad ${token}`, data: { sent: leak() } } }),
    );
    const answer = await agent.tool('do');
    assertClean(answer.body);
    assert.deepEqual([answer.messages[0]?.error?.code, answer.messages[0]?.error?.message], [-32001, 'bad [redacted:TOKEN]']);
  });

  it('in JSON-RPC errors with an HTTP error status', async () => {
    upstream.script = onCall((_, response) =>
      json(response, { jsonrpc: '2.0', id: null, error: { code: -32000, message: leak() } }, {}, 400),
    );
    const answer = await agent.tool('do');
    assert.equal(answer.status, 400);
    assertClean(answer.body);
    assert.match(answer.body, /\[redacted:TOKEN\]/);
  });

  it('in ids that no call has: of HTTP errors, and of what is no message', async () => {
    for (const value of [token, body]) {
      for (const id of [value, [value], { a: value }]) {
        const error = { code: -32000, message: 'no' };
        upstream.script = onCall((_, response) => json(response, { jsonrpc: '2.0', id, error }, {}, 400));
        const refused = await agent.tool('do');
        assertClean(refused.body);
        // What is a message comes through, searched.
        assert.equal(refused.messages[0]?.error?.message === 'no', typeof id === 'string');

        upstream.script = onCall(({ message }, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          const said = [
            { jsonrpc: '1.0', id, error },
            { jsonrpc: '2.0', id: { deep: id }, error },
          ].map((one) => `data: ${JSON.stringify(one)}\n\n`);
          return !!response.end(said.join('') + event(answerTo(message, textResult('done'))));
        });
        const streamed = await agent.tool('do');
        assertClean(streamed.body);
        assert.ok(streamed.body.includes('done'));
      }
    }
  });

  it('in other HTTP error bodies, which are not shown at all', async () => {
    for (const status of [401, 403, 500, 502]) {
      upstream.script = onCall((_, response) => !!response.writeHead(status, { 'content-type': 'text/html' }).end(`<p>${leak()}</p>`));
      const answer = await agent.tool('do');
      assertClean(answer.body);
      assert.match(answer.body, new RegExp(`HTTP ${String(status)}`));
    }
  });

  it('in answers that are not MCP', async () => {
    upstream.script = onCall((_, response) => !!response.writeHead(200, { 'content-type': 'text/html' }).end(leak()));
    const answer = await agent.tool('do');
    assertClean(answer.body);
    assert.equal(answer.messages[0]?.error?.data?.kind, 'upstreamNonsense');
  });

  it('in event streams cut anywhere: data, comments, ids, event names, several data lines', async () => {
    upstream.script = onCall(({ message }, response) => {
      const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1, message: leak() } };
      const log = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: { a: [leak()] } } };
      const [first = '', second = ''] = JSON.stringify(answerTo(message, textResult(leak()))).split(',"result"');
      const text = `: ${leak()}\n\nid: ${token}\n${event(progress)}event: ${token}\n${event(log)}data: ${first},\ndata: "result"${second}\n\n`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const bytes = Buffer.from(text);
      const write = (at: number): void => {
        if (at >= bytes.length) response.end();
        else response.write(bytes.subarray(at, at + 11), () => setImmediate(write, at + 11));
      };
      write(0);
      return true;
    });
    const answer = await agent.tool('do');
    assertClean(answer.body);
    assert.equal(answer.messages.length, 3);
    assert.match(textOf(answer), /^\[redacted:TOKEN\] /);
  });

  it('in resources and lists', async () => {
    upstream.script = ({ message }, response) =>
      ['resources/read', 'tools/list'].includes(message?.method ?? '') &&
      json(response, answerTo(message, { contents: [{ uri: `x://${token}`, text: leak() }] }));
    for (const method of ['resources/read', 'tools/list']) {
      const answer = await agent.call(method, { uri: 'x://y' });
      assert.ok(!holds(answer.body, token), answer.body);
      assert.match(answer.body, /x:\/\/\[redacted:TOKEN\]/);
    }
  });

  it('on the GET stream, also a value that is newer than the stream, and the one before', async () => {
    const stream = await Stream.open(agent);
    await until('the stream at the server', () => upstream.streams.size === 1);
    const old = token;
    token = newPlainCanary();
    values.push(token);
    await place.secret('TOKEN', token);
    await agent.tool('do');
    upstream.say({ method: 'notifications/message', params: { level: 'info', data: `${old} ${token} ${leak()}` } });
    const message = await stream.next('the message', ({ method }) => method === 'notifications/message');
    assertClean(stream.text);
    assert.match(String(message.params?.data), /^\[redacted:TOKEN\] \[redacted:TOKEN\] /);
    stream.close();
  });

  it('what holds no secret keeps its bytes', async () => {
    const text = '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"\\u00e4 \\/ not a secret"}],"n":1.0}}';
    upstream.script = onCall(({ message }, response) => json(response, text.replace('ID', String(message?.id))));
    const answer = await agent.tool('do');
    assert.equal(answer.body, text.replace('ID', String(answer.messages[0]?.id)));
  });
});
