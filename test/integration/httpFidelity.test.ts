import assert from 'node:assert/strict';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Serving } from './support/serving';
import { until } from './support/eventually';
import { Workplace } from './support/workplace';

describe('an http upstream: what passes and what does not', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.servers({ one: { type: 'http', url: `${upstream.url}?tenant=a%20b`, headers: { 'X-Team': 'blue' } } }, 'one');
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

  it('headers of MCP and of tracing go on, with those of the servers file', async () => {
    const headers = {
      'mcp-protocol-version': '2025-11-25',
      'mcp-anything-new': 'x',
      'last-event-id': '42',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    await agent.tool('do', {}, headers);
    const received = upstream.last('tools/call');
    for (const [name, value] of Object.entries(headers)) assert.equal(received.headers[name], value, name);
    assert.equal(received.headers['x-team'], 'blue');
    assert.equal(received.headers.accept, 'application/json, text/event-stream');
    assert.equal(received.path, '/mcp?tenant=a%20b');
    assert.equal(received.headers.host, new URL(upstream.origin).host);
  });

  it('headers that repeat the body do not: of requests before 2026-07-28 nothing has compared them with it', async () => {
    const headers = { 'mcp-method': 'tools/list', 'mcp-name': 'wipe', 'mcp-param-region': 'eu' };
    for (const version of [undefined, '2025-11-25']) {
      await agent.tool('do', {}, { ...headers, 'mcp-protocol-version': version });
      const received = upstream.last('tools/call');
      assert.equal(received.headers['mcp-protocol-version'], version);
      for (const name of Object.keys(headers)) assert.equal(received.headers[name], undefined, name);
    }
    (await agent.open('GET', undefined, headers)).destroy();
    const listened = upstream.received.findLast(({ method }) => method === 'GET');
    for (const name of Object.keys(headers)) assert.equal(listened?.headers[name], undefined, name);
  });

  it('credentials and everything else of the agent stays here', async () => {
    const headers = {
      cookie: 'session=mine',
      'proxy-authorization': 'Basic eA==',
      'x-api-key': 'mine',
      'x-forwarded-for': '10.0.0.1',
      'user-agent': 'agent/1',
      'x-team': 'red',
    };
    await agent.tool('do', {}, headers);
    const received = upstream.last('tools/call').headers;
    assert.equal(received.authorization, undefined);
    for (const name of ['cookie', 'proxy-authorization', 'x-api-key', 'x-forwarded-for', 'user-agent']) {
      assert.equal(received[name], undefined, name);
    }
    assert.equal(received['x-team'], 'blue');
    assert.ok(!JSON.stringify(upstream.received).includes(serving.token));
  });

  it("the upstream's cookies and headers stay there", async () => {
    upstream.script = ({ message }, response) =>
      message?.method === 'tools/call' &&
      json(response, answerTo(message, textResult('x')), {
        'set-cookie': 'a=b',
        'www-authenticate': 'Bearer',
        'access-control-allow-origin': '*',
        'mcp-protocol-version': '2025-11-25',
      });
    const { headers } = await agent.tool('do');
    assert.deepEqual(Object.keys(headers).sort(), [
      'connection',
      'content-length',
      'content-type',
      'date',
      'keep-alive',
      'mcp-protocol-version',
    ]);
  });

  it('Last-Event-ID takes up a GET stream', async () => {
    upstream.script = ({ method }, response) => {
      if (method !== 'GET') return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'missed' } }, '43'));
      return true;
    };
    const answer = await agent.send('GET', undefined, { accept: 'text/event-stream', 'last-event-id': '42' });
    assert.equal(upstream.received.at(-1)?.headers['last-event-id'], '42');
    assert.match(answer.body, /^id: 43$/m);
  });

  it('a stream with event ids may end before the answer: the agent takes it up again', async () => {
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\ndata: \n\n');
      return true;
    };
    assert.equal((await agent.tool('do')).body, 'id: 1\ndata: \n\n');
  });

  it('unknown methods, fields and ids pass unchanged, byte for byte, in both directions', async () => {
    const body =
      '{"method":"x/not-invented-yet" , "jsonrpc":"2.0","id":"ä-1","params":{"deep":{"n":1.50,"big":12345678901234567890,"s":"\\u2028\\/"}},"extra":[null,true]}';
    const reply = '{"jsonrpc":"2.0","id":"\\u00e4-1","result":{"big":12345678901234567890},"more":{"a":1.0}}';
    upstream.script = ({ message }, response) => message?.method === 'x/not-invented-yet' && json(response, reply);
    const answer = await agent.post(body);
    assert.equal(upstream.last('x/not-invented-yet').body, body);
    assert.equal(answer.body, reply);
  });

  it('a batch passes unchanged, and so does its answer', async () => {
    const body =
      '[ {"jsonrpc":"2.0","id":1,"method":"ping"},\n{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":"b","method":"ping"} ]';
    const reply = '[{"jsonrpc":"2.0","id":"b","result":{}}, {"jsonrpc":"2.0","id":1,"result":{}}]';
    upstream.script = ({ body: received }, response) => received.startsWith('[') && json(response, reply);
    const answer = await agent.post(body);
    assert.equal(upstream.received.at(-1)?.body, body);
    assert.equal(answer.body, reply);
  });

  it('a batch of notifications is accepted', async () => {
    assert.equal((await agent.post([{ jsonrpc: '2.0', method: 'notifications/x' }])).status, 202);
  });

  it('a call whose agent goes away is broken off at the upstream, sent once, and recorded once', async () => {
    await agent.tool('do');
    let closed = false;
    upstream.script = ({ message }, response) => {
      if (message?.params?.name !== 'abandoned') return false;
      response.on('close', () => (closed = true));
      return true;
    };
    const begun = agent.begin('POST', JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'abandoned' } }));
    const calls = (): number => upstream.received.filter(({ message }) => message?.params?.name === 'abandoned').length;
    await until('the call at the server', () => calls() === 1);
    begun.abort();
    await assert.rejects(begun.response);
    await until('the end at the server', () => closed);
    const [line] = await place.audited(1, ({ tool }) => tool === 'abandoned');
    assert.deepEqual([line?.outcome, line?.errorKind], ['error', 'abandoned']);
    await agent.tool('after');
    assert.equal(calls(), 1, 'it is not sent again');
  });
});
