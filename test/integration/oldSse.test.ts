import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ScriptedSse } from '../fixtures/scriptedSse';
import { listening } from '../fixtures/sessionServer';
import { sseListener } from '../fixtures/sseServer';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { TestClient } from './support/client';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { textOf } from './support/scripted';
import { Stream } from './support/stream';

describe('a server of the old transport, HTTP+SSE', function () {
  this.timeout(60_000);
  const first = newPlainCanary();
  let local: LocalProxy;
  let old: ScriptedSse;
  let agent: Agent;

  beforeEach(async () => {
    old = await ScriptedSse.start();
    local = await LocalProxy.start({ TOKEN: first });
    await local.servers({
      old: { type: 'sse', url: old.url, headers: { 'X-Team': 'blue' }, secrets: { TOKEN: 'bearer' } },
    });
    agent = new Agent(local, 'old');
  });

  afterEach(async () => {
    agent.close();
    await local.close();
    await old.stop();
  });

  it('is an ordinary server to agents: each session has a stream of its own, which ends with it', async () => {
    const answer = await agent.initialize();
    assert.equal(typeof answer.headers['mcp-session-id'], 'string');
    assert.equal(textOf(await agent.tool('this')), 'did this');
    const other = new Agent(local, 'old');
    await other.initialize();
    assert.equal(textOf(await other.tool('that')), 'did that');
    assert.equal(old.opened.length, 2);
    assert.deepEqual(
      old.received.map(({ stream, message }) => `${String(stream)} ${message.method ?? ''} ${message.params?.name ?? ''}`.trim()),
      [
        '1 initialize',
        '1 notifications/initialized',
        '1 tools/call this',
        '2 initialize',
        '2 notifications/initialized',
        '2 tools/call that',
      ],
    );
    await agent.send('DELETE');
    await until('the end of the stream', () => old.streams.size === 1);
    assert.equal((await agent.tool('this')).status, 404);
    other.close();
  });

  it("gets the credentials with the stream and with each message, and nothing of the agent's", async () => {
    await agent.initialize();
    await agent.tool('this');
    for (const headers of [...old.opened, ...old.received.map((r) => r.headers)]) {
      assert.deepEqual([headers.authorization, headers['x-team'], headers['mcp-session-id']], [`Bearer ${first}`, 'blue', undefined]);
    }
    const { versions, secrets } = local.audit.entries.find(({ tool }) => tool === 'this') ?? {};
    assert.deepEqual([secrets, versions], [['TOKEN'], { TOKEN: 1 }]);
  });

  it('an address for messages at another origin gets none, and no credentials', async () => {
    const elsewhere = await ScriptedSse.start();
    for (const address of [elsewhere.url, '//127.0.0.1:9/x', 'http://127.0.0.2/messages', 'javascript:alert(1)', 'https:///x']) {
      old.endpoint = () => address;
      const { messages } = await agent.initialize();
      assert.equal(messages[0]?.error?.data?.kind, 'upstreamRedirect', address);
      assert.equal(local.proxy.status('old').state, 'failed');
      await local.proxy.startServer('old').catch(() => undefined);
    }
    assert.deepEqual([elsewhere.received.length, elsewhere.opened.length, old.received.length], [0, 0, 0]);
    await until('the end of the streams', () => old.streams.size === 0);
    await elsewhere.stop();
  });

  it('one that never says where messages go is given up after the time to start', async () => {
    await local.servers({ old: { type: 'sse', url: old.url, limits: { startTimeout: '2s' } } });
    old.endpoint = () => undefined;
    const { messages } = await agent.initialize();
    assert.equal(messages[0]?.error?.data?.kind, 'upstreamTimeout');
    assert.match(messages[0].error.message, /sent nothing for 2 seconds/);
    await until('the end of the stream', () => old.streams.size === 0);
  });

  it('what it says is searched for the values that it was given', async () => {
    await agent.initialize();
    const stream = await Stream.open(agent);
    old.tool = () => `I was given ${first} and ${JSON.stringify([first])}`;
    assert.equal(textOf(await agent.tool('this')), 'I was given [redacted:TOKEN] and ["[redacted:TOKEN]"]');
    old.say(1, { method: 'notifications/message', params: { level: 'info', data: first } });
    const said = await stream.next('the message', ({ method }) => method === 'notifications/message');
    assert.equal(said.params?.data, '[redacted:TOKEN]');
    stream.close();
  });

  it('a stream that breaks off: calls under way fail once, and the session goes on over another one', async () => {
    await agent.initialize();
    old.tool = (name) => (name === 'hang' ? undefined : `did ${name}`);
    const hanging = [agent.tool('hang'), agent.tool('hang')];
    await until('the calls at the server', () => old.received.filter(({ message }) => message.params?.name === 'hang').length === 2);
    old.streams.get(1)?.destroy();
    for (const { messages } of await Promise.all(hanging))
      assert.deepEqual(
        messages.map((m) => m.error?.data?.kind),
        ['upstreamClosed'],
      );
    assert.equal(textOf(await agent.tool('this')), 'did this');
    assert.deepEqual(
      old.received.filter(({ stream }) => stream === 2).map(({ message }) => message.method),
      ['initialize', 'notifications/initialized', 'tools/call'],
    );
  });

  it('a server that has forgotten the session gets a new one behind the same session of ours', async () => {
    await agent.initialize();
    old.status = 404;
    const { messages } = await agent.tool('this');
    assert.equal(messages[0]?.error?.data?.kind, 'upstreamClosed');
    old.status = 202;
    assert.equal(textOf(await agent.tool('this')), 'did this');
  });

  it('a call that the server refuses to take fails, and only that', async () => {
    await agent.initialize();
    old.tool = (name) => (name === 'hang' ? undefined : `did ${name}`);
    const hanging = agent.tool('hang');
    await until('the call', () => old.received.some(({ message }) => message.params?.name === 'hang'));
    old.status = 500;
    assert.equal((await agent.tool('this')).messages[0]?.error?.data?.kind, 'upstreamStatus');
    old.status = 202;
    old.say(1, {
      id: old.received.find(({ message }) => message.params?.name === 'hang')?.message.id,
      result: { content: [{ type: 'text', text: 'late' }] },
    });
    assert.equal(textOf(await hanging), 'late');
  });

  it('a new value replaces the stream without a call, and the old one is closed', async () => {
    await agent.initialize();
    const stream = await Stream.open(agent);
    const second = newPlainCanary();
    await local.vault.set('TOKEN', Buffer.from(second), 'user');
    local.proxy.secretsChanged();
    await until('another stream', () => old.opened.length === 2 && !old.streams.has(1));
    assert.equal(old.opened[1]?.authorization, `Bearer ${second}`);
    await stream.next('the news', ({ method }) => method === 'notifications/tools/list_changed');
    assert.equal(textOf(await agent.tool('this')), 'did this');
    assert.equal(old.received.at(-1)?.headers.authorization, `Bearer ${second}`);
    stream.close();
  });
});

describe('a real server of the old transport', function () {
  this.timeout(60_000);

  it('works with a real client of today: tools, questions to the user, log messages', async () => {
    const http = await listening(
      sseListener((transport) => {
        const server = new McpServer({ name: 'old', version: '1' }, { capabilities: { logging: {} } });
        server.registerTool('ask', { description: 'Asks for a name' }, async () => {
          const { content } = await server.server.elicitInput({
            message: 'Who?',
            requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
          });
          await server.server.sendLoggingMessage({ level: 'info', data: 'asked' });
          return { content: [{ type: 'text', text: `Hello ${String(content?.name)}` }] };
        });
        return server.connect(transport);
      }),
    );
    const local = await LocalProxy.start({ TOKEN: newPlainCanary() });
    await local.servers({ old: { type: 'sse', url: http.url.href, secrets: { TOKEN: 'header' } } });
    const client = await TestClient.http(new URL(`http://127.0.0.1:${String(local.port)}/mcp/old`), {
      authorization: `Bearer ${local.token}`,
    });
    assert.deepEqual(
      (await client.client.listTools()).tools.map(({ name }) => name),
      ['ask'],
    );
    assert.equal(await client.text('ask'), 'Hello Ada');
    await until('the log message', () => client.logs.length === 1);
    await client.close();
    await local.close();
    http.close();
  });
});
