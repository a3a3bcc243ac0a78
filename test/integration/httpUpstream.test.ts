import assert from 'node:assert/strict';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Serving } from './support/serving';
import { until } from './support/eventually';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

describe('an http upstream: replies, streams, sessions', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.addHttp('one', upstream.url);
    await place.addHttp('two', upstream.url);
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

  it('a JSON reply comes as the bytes that the server sent', async () => {
    const odd = '{ "id" : 101.0,\t"jsonrpc":"2.0", "result" : {"n":1e3,"u":"\\u00e4","dup":1,"dup":2 } ,"x-new":[ ]}';
    upstream.script = ({ message }, response) =>
      message?.method === 'tools/call' &&
      json(response, odd.replace('101.0', String(message.id)), { 'content-type': 'application/json; charset=utf-8' });
    const answer = await agent.tool('do');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.body, odd.replace('101.0', String(answer.messages[0]?.id)));
  });

  it('an SSE reply comes as the bytes that the server sent, whatever the chunks', async () => {
    let sent = '';
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1, message: 'ä😀' } };
      sent = `: hello\n\nretry: 100\nid: 7\n\n${event(progress, '8')}${event(answerTo(message, textResult('ü')), '9')}`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const bytes = Buffer.from(sent);
      const write = (at: number): void => {
        if (at >= bytes.length) response.end();
        else response.write(bytes.subarray(at, at + 7), () => setImmediate(write, at + 7));
      };
      write(0);
      return true;
    };
    const answer = await agent.tool('do');
    assert.equal(answer.headers['content-type'], 'text/event-stream');
    assert.equal(answer.body, sent);
  });

  it('an event reaches the agent while the call goes on', async () => {
    let finish = (): void => undefined;
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'first' } }));
      finish = () => void response.end(event(answerTo(message, textResult('last'))));
      return true;
    };
    const response = await agent.open('POST', JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'do' } }));
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await until('the first event', () => text.includes('first'));
    assert.ok(!text.includes('last'));
    finish();
    await until('the answer', () => text.includes('last'));
  });

  it('a notification is accepted with 202 and no body', async () => {
    const answer = await agent.post({ jsonrpc: '2.0', method: 'notifications/anything', params: { a: 1 } });
    assert.deepEqual([answer.status, answer.body], [202, '']);
    assert.deepEqual(upstream.last('notifications/anything').message?.params, { a: 1 });
  });

  it('the GET stream brings requests and notifications, and the answers go back', async () => {
    const stream = await Stream.open(agent);
    assert.equal(stream.response.statusCode, 200);
    await until('the stream at the server', () => upstream.streams.size === 1);
    upstream.say({ method: 'notifications/resources/updated', params: { uri: 'a://b' } });
    upstream.say({ id: 'q-1', method: 'roots/list' });
    await stream.next('the notification', ({ method }) => method === 'notifications/resources/updated');
    const question = await stream.next('the request', ({ method }) => method === 'roots/list');
    assert.equal(question.id, 'q-1');
    const reply = { jsonrpc: '2.0', id: 'q-1', result: { roots: [] } };
    assert.equal((await agent.post(reply)).status, 202);
    assert.deepEqual(upstream.received.at(-1)?.message, reply);
    stream.close();
    await until('the end of the stream at the server', () => upstream.streams.size === 0);
  });

  it('a server without a GET stream says so', async () => {
    upstream.script = ({ method }, response) => method === 'GET' && !!response.writeHead(405).end();
    assert.equal((await agent.send('GET')).status, 405);
  });

  it("the upstream's session id stays behind the proxy; ours is another one", async () => {
    const hello = await agent.initialize();
    const ours = hello.headers['mcp-session-id'];
    assert.match(String(ours), /^[0-9a-f-]{36}$/);
    assert.ok(!JSON.stringify(hello).includes('upstream-session-1'));
    const answer = await agent.tool('do');
    assert.ok(!JSON.stringify(answer).includes('upstream-session-1'));
    assert.equal(upstream.last('tools/call').headers['mcp-session-id'], 'upstream-session-1');
  });

  it("the upstream's session id is no session id of the agent", async () => {
    const before = upstream.received.length;
    const answer = await agent.tool('do', {}, { 'mcp-session-id': 'upstream-session-1' });
    assert.equal(answer.status, 404);
    assert.equal(answer.messages[0]?.error?.data?.kind, 'sessionUnknown');
    assert.equal(upstream.received.length, before, 'the server was asked nothing');
  });

  it('a session of one server is none of another', async () => {
    const other = new Agent(serving, 'two');
    other.session = agent.session;
    for (const answer of [await other.tool('do'), await other.send('GET'), await other.send('DELETE')]) {
      assert.equal(answer.status, 404);
      assert.match(answer.body, /This session has ended or never existed. Initialize a new one./);
    }
    other.close();
    assert.equal((await agent.tool('do')).status, 200, 'it is still there');
  });

  it('a server without sessions works without', async () => {
    upstream.sessionId = undefined;
    const plain = new Agent(serving, 'one');
    const hello = await plain.initialize();
    assert.equal(hello.headers['mcp-session-id'], undefined);
    assert.deepEqual((await plain.tool('do')).messages[0]?.result, textResult('done'));
    plain.close();
  });

  it('DELETE ends the session on both sides', async () => {
    const answer = await agent.send('DELETE');
    assert.equal(answer.status, 204);
    const [received] = upstream.received.slice(-1);
    assert.deepEqual([received?.method, received?.headers['mcp-session-id']], ['DELETE', 'upstream-session-1']);
    assert.equal((await agent.tool('do')).status, 404);
  });

  it('a session that the upstream has forgotten is gone here, too', async () => {
    upstream.script = ({ message }, response) => message?.method === 'tools/call' && !!response.writeHead(404).end();
    assert.equal((await agent.tool('do')).status, 404);
    upstream.script = () => false;
    const asked = upstream.received.length;
    assert.equal((await agent.tool('do')).status, 404);
    assert.equal(upstream.received.length, asked, 'the server is not asked again');
    await agent.initialize();
    assert.equal((await agent.tool('do')).status, 200);
  });

  it('an agent that never ends its sessions can go on: the one it has left alone for longest ends, on both sides', async () => {
    for (let n = 0; n < 64; n++) {
      const another = new Agent(serving, 'one');
      await another.initialize();
      assert.equal((await another.tool('do')).status, 200);
      another.close();
    }
    await until('the end of the first one', () => upstream.received.some(({ method }) => method === 'DELETE'));
    assert.equal((await agent.tool('do')).status, 404);
  });

  it('the end of `serve` ends the sessions at the upstream', async () => {
    const other = new Workplace();
    await other.addHttp('one', upstream.url);
    const brief = await other.serve();
    const guest = new Agent(brief, 'one');
    await guest.initialize();
    guest.close();
    await other.close();
    assert.equal(upstream.received.at(-1)?.method, 'DELETE');
  });
});
