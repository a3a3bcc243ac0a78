import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CallToolRequestSchema, ListToolsRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Agent } from './support/agent';
import { TestClient } from './support/client';
import { eventually, until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { leftOf, processesOf } from './support/processes';
import { scripted } from './support/scripted';
import { memoryEvents, SdkServer } from './support/sdkServer';
import { Stream } from './support/stream';

interface Skipped {
  readonly server: string;
  readonly reason: string;
}

describe('all servers at one endpoint: servers come and go', function () {
  this.timeout(120_000);
  let proxy: LocalProxy;
  let changing: SdkServer;
  let tools: string[];
  const clients: TestClient[] = [];

  /** A client that counts how often it is told that the tools have changed. */
  async function connect(): Promise<TestClient & { news: number }> {
    const url = new URL(`http://127.0.0.1:${String(proxy.port)}/mcp`);
    const client = Object.assign(await TestClient.http(url, { authorization: `Bearer ${proxy.token}` }), { news: 0 });
    client.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (client.news += 1));
    clients.push(client);
    return client;
  }

  /** A plain agent, after the handshake. */
  async function begun(): Promise<Agent> {
    const agent = new Agent(proxy);
    await agent.initialize();
    return agent;
  }

  async function namesFor(client: TestClient): Promise<string[]> {
    return (await client.client.listTools()).tools.map(({ name }) => name).sort();
  }

  async function skippedFor(client: TestClient): Promise<Skipped[]> {
    return ((await client.client.listTools())._meta?.['mcp-secrets/skipped'] ?? []) as Skipped[];
  }

  const stdio = (...flags: string[]): object => {
    const [command, ...args] = scripted(...flags);
    return { type: 'stdio', command, args };
  };

  beforeEach(async () => {
    tools = ['first'];
    changing = await SdkServer.start('changing', { tools: { listChanged: true } }, (server) => {
      server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })) }));
      server.setRequestHandler(CallToolRequestSchema, ({ params }) => ({ content: [{ type: 'text', text: `called ${params.name}` }] }));
    });
    proxy = await LocalProxy.start({}, { mergedPatienceMs: 4_000, newTools: () => 'allow' });
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close().catch(() => undefined)));
    await proxy.close();
    await changing.stop();
  });

  it('a changed list is read again, and the agent is told when the new one is there', async () => {
    await proxy.servers({ changing: { url: changing.url } });
    const client = await connect();
    assert.deepEqual(await namesFor(client), ['changing__first']);
    tools.push('second');
    await until('the news', async () => {
      // What a server says is lost while it has no stream.
      await changing.newest.sendToolListChanged();
      return client.news > 0;
    });
    assert.deepEqual(await namesFor(client), ['changing__first', 'changing__second']);
  });

  it('lists are read once, not for each agent request', async () => {
    await proxy.servers({ changing: { url: changing.url } });
    const client = await connect();
    for (let i = 0; i < 5; i += 1) await namesFor(client);
    assert.equal(changing.of('tools/list').length, 1);
  });

  it('a server that hangs does not hold up the others, and joins later', async () => {
    let open: (value: unknown) => void = () => undefined;
    changing.gate = new Promise((resolve) => (open = resolve));
    await proxy.servers({ changing: { url: changing.url }, ready: stdio() });
    const client = await connect();
    await until('the other one is there', async () => (await skippedFor(client)).length === 1);
    assert.deepEqual(await skippedFor(client), [
      { server: 'changing', reason: 'Server "changing" has not answered yet. It joins when it does.' },
    ]);
    assert.match(client.client.getInstructions() ?? '', /"changing" has not answered yet/);
    client.news = 0;
    open(undefined);
    await until('the news', () => client.news > 0);
    await until('its tool', async () => (await namesFor(client)).join() === 'changing__first');
    assert.deepEqual(await skippedFor(client), []);
  });

  it('a session ends also while a server hangs, and leaves nothing behind', async () => {
    changing.gate = new Promise(() => undefined);
    await proxy.servers({ changing: { url: changing.url }, deaf: { command: process.execPath, args: ['-e', 'process.stdin.resume()'] } });
    const client = await connect();
    assert.equal((await skippedFor(client)).length, 2);
    await client.close();
    await until('the children have ended', () => processesOf(proxy.folder).length === 0);
  });

  it('a server that fails is reported in the log, too, and its calls say why', async () => {
    const { url } = changing;
    await changing.stop();
    await proxy.servers({ changing: { url } });
    const client = await connect();
    await until('a log message', () =>
      client.logs.some(({ logger, data }) => logger === 'mcp-secrets' && String(data).includes('"changing"')),
    );
    assert.match((await skippedFor(client))[0]?.reason ?? '', /cannot be reached/);
    await assert.rejects(client.client.callTool({ name: 'changing__first', arguments: {} }), /"changing" cannot be reached/);
  });

  it('a server that failed is there again when it works', async () => {
    const [command = '', script = ''] = scripted();
    const allowed = join(proxy.folder, 'allowed');
    const code = `require('fs').existsSync(${JSON.stringify(allowed)}) ? import(${JSON.stringify(script)}) : process.exit(3)`;
    await proxy.servers({ child: { command, args: ['-e', code] } });
    const client = await connect();
    await until('its end', async () => (await skippedFor(client))[0]?.reason.includes('exit code 3') === true);
    writeFileSync(allowed, '');
    assert.equal(await client.text('child__echo', { text: 'back' }), 'back');
    assert.deepEqual(await skippedFor(client), []);
  });

  it('an unapproved server is not touched; once it is approved it joins by itself', async () => {
    await proxy.servers({ changing: { url: changing.url } }, 'changing');
    const client = await connect();
    assert.match((await skippedFor(client))[0]?.reason ?? '', /not approved/);
    assert.equal(changing.received.length, 0);
    await proxy.servers({ changing: { url: changing.url } });
    await until('the news', () => client.news > 0);
    assert.deepEqual(await namesFor(client), ['changing__first']);
  });

  it('a stopped server leaves, and comes back when it is started', async () => {
    await proxy.servers({ changing: { url: changing.url } });
    const client = await connect();
    assert.deepEqual(await namesFor(client), ['changing__first']);
    await proxy.proxy.stopServer('changing');
    await until('the news', () => client.news > 0);
    assert.deepEqual(await namesFor(client), []);
    assert.match((await skippedFor(client))[0]?.reason ?? '', /was stopped/);
    await assert.rejects(client.client.callTool({ name: 'changing__first', arguments: {} }), /Unknown tool/);
    await proxy.proxy.startServer('changing');
    await until('it is back', async () => (await namesFor(client)).length === 1);
    assert.equal(await client.text('changing__first'), 'called first');
  });

  it('a server that was removed or whose plan has changed leaves, and a new one joins', async () => {
    await proxy.servers({ changing: { url: changing.url } });
    const client = await connect();
    assert.deepEqual(await namesFor(client), ['changing__first']);
    await proxy.servers({ other: { url: changing.url } });
    await until('another name', async () => (await namesFor(client)).join() === 'other__first');
    await proxy.servers({ other: { url: changing.url, headers: { 'X-Team': 'blue' } } });
    await until('another session', () => changing.of('initialize').length >= 3);
    await until('it is there', async () => (await namesFor(client)).join() === 'other__first');
    assert.equal(await client.text('other__first'), 'called first');
  });

  it('a servers file that is spoiled for a while ends nothing: calls are refused, lists stay, and no server is started anew', async () => {
    await proxy.servers({ changing: { url: changing.url }, child: stdio() });
    const client = await connect();
    const children = (): number[] => processesOf(proxy.folder).map(({ pid }) => pid);
    await until('both', () => children().length === 1 && proxy.proxy.status('child').state === 'running');
    const names = await namesFor(client);
    assert.ok(names.includes('changing__first'));
    const before = children();
    const path = join(proxy.folder, '.vscode', 'mcp-secrets.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.slice(0, -5));
    // Longer than what was seen of a file may be used without another look.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const answer = await client.client.callTool({ name: 'changing__first', arguments: {} }).catch((error: unknown) => error);
    assert.match(JSON.stringify(answer) + String(answer), /mcp-secrets\.json has a mistake|Syntax error/);
    assert.deepEqual(await namesFor(client), names);
    writeFileSync(path, text);
    assert.deepEqual(await namesFor(client), names);
    const called = await client.client.callTool({ name: 'changing__first', arguments: {} });
    assert.match(JSON.stringify(called), /called first/);
    assert.deepEqual(children(), before);
  });

  it('a servers file that is spoiled keeps nothing for an agent whose access is narrowed meanwhile', async () => {
    await proxy.servers({ changing: { url: changing.url }, other: { url: changing.url } });
    const client = await connect();
    assert.deepEqual(await namesFor(client), ['changing__first', 'other__first']);
    const path = join(proxy.folder, '.vscode', 'mcp-secrets.json');
    writeFileSync(path, '{ "servers": {');
    await proxy.agents.allow('tester', ['changing'], 'user');
    await until('the other one is gone', async () => (await namesFor(client)).join() === 'changing__first');
  });

  it('a servers file with a mistake beside its servers keeps none that is taken out of it', async () => {
    await proxy.servers({ changing: { url: changing.url } });
    const client = await connect();
    assert.deepEqual(await namesFor(client), ['changing__first']);
    const path = join(proxy.folder, '.vscode', 'mcp-secrets.json');
    writeFileSync(path, '{ "inputs": [], "servers": {} }');
    await until('it is gone', async () => (await namesFor(client)).length === 0);
    await until('its session has ended', () => proxy.proxy.status('changing').sessions === 0);
  });

  it('a restart of a server is invisible, and it is told again what the agent had set', async () => {
    const levels: unknown[] = [];
    const logging = await SdkServer.start('logging', { tools: {}, logging: {} }, (server) => {
      server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [{ name: 'first', inputSchema: { type: 'object' } }] }));
      server.setRequestHandler(CallToolRequestSchema, () => ({ content: [{ type: 'text', text: 'here' }] }));
    });
    await proxy.servers({ logging: { url: logging.url } });
    const client = await connect();
    await client.client.setLoggingLevel('error');
    await logging.forget();
    assert.equal(await client.text('logging__first'), 'here');
    await until('the level was set again', () => logging.of('logging/setLevel').length === 2);
    levels.push(...logging.of('logging/setLevel').map(({ params }) => params?.level));
    assert.deepEqual(levels, ['error', 'error']);
    await logging.stop();
  });

  it('a killed child is started again with the next call', async () => {
    await proxy.servers({ child: stdio() });
    const client = await connect();
    const pid = async (): Promise<number> => (JSON.parse(await client.text('child__env')) as { pid: number }).pid;
    const before = await pid();
    process.kill(before, 'SIGKILL');
    await until('it is gone', () => !processesOf(proxy.folder).some((p) => p.pid === before));
    assert.notEqual(await eventually('another child', () => pid().catch(() => undefined)), before);
  });

  it('a stream that its server ends before the answer is taken up again', async () => {
    let answer: (() => void) | undefined;
    const polled = await SdkServer.start('polled', { tools: {} }, (server) => {
      server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [{ name: 'slow', inputSchema: { type: 'object' } }] }));
      server.setRequestHandler(CallToolRequestSchema, async (_request, { closeSSEStream }) => {
        closeSSEStream?.();
        await new Promise<void>((resolve) => (answer = resolve));
        return { content: [{ type: 'text', text: 'at last' }] };
      });
    });
    polled.eventStore = memoryEvents();
    await proxy.servers({ polled: { url: polled.url } });
    const client = await connect();
    const text = client.text('polled__slow');
    await until('the call is there', () => answer !== undefined);
    answer?.();
    assert.equal(await text, 'at last');
    assert.equal(polled.of('tools/call').length, 1);
    await polled.stop();
  });

  it('the sessions with the servers end with that of the agent', async () => {
    await proxy.servers({ changing: { url: changing.url }, child: stdio() });
    const client = await connect();
    await namesFor(client);
    assert.equal(changing.sessions.size, 1);
    assert.equal(proxy.proxy.status('child').sessions, 1);
    await client.close();
    clients.length = 0;
    await until('all have ended', () => changing.sessions.size === 0 && proxy.proxy.status('child').sessions === 0);
  });

  it('a session belongs to its agent and to this endpoint', async () => {
    await proxy.servers({ changing: { url: changing.url } });
    const agent = await begun();
    const session = agent.session;
    const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    const at = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await agent.send('POST', list, { 'mcp-session-id': session, ...headers }, path)).status;
    assert.equal(await at('/mcp'), 200);
    assert.equal(await at('/mcp/changing'), 404);
    assert.equal(await at('/mcp?mode=search'), 404);
    assert.equal(await at('/mcp?mode=nonsense'), 404);
    assert.equal(await at('/mcp', { 'mcp-session-id': 'another' }), 404);
    assert.equal(await at('/mcp', { authorization: 'Bearer wrong' }), 401);
    assert.equal(await at('/mcp', { host: 'evil.example' }), 403);
    assert.equal(await at('/mcp/%2a'), 404);
    agent.close();
  });

  it('a panic answers what is under way, and leaves nothing behind', async () => {
    await proxy.servers({ child: stdio() });
    const agent = await begun();
    const hanging = agent.post({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'child__hang' } });
    await until('the call is under way', async () => (await agent.tool('child__received')).body.includes('hang'));
    await proxy.vault.lock('user', 'panic');
    await proxy.proxy.panic();
    const { messages } = await hanging;
    assert.deepEqual(
      messages.map(({ id, error }) => [id, (error as { data?: { kind?: string } } | undefined)?.data?.kind]),
      [[7, 'locked']],
    );
    assert.deepEqual(await leftOf(proxy.folder), []);
    agent.close();
  });

  it('what a server says while the agent does not listen waits for its stream', async () => {
    await proxy.servers({ changing: { url: changing.url } });
    const agent = await begun();
    assert.equal((await agent.call('tools/list')).messages[0]?.error, undefined);
    tools.push('second');
    await until('the server has a stream, and its list was read again', async () => {
      await changing.newest.sendToolListChanged();
      return changing.of('tools/list').length > 1;
    });
    const stream = await Stream.open(agent);
    await stream.next('the news', ({ method }) => method === 'notifications/tools/list_changed');
    stream.close();
    agent.close();
  });
});
