import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLegacyHttp } from '../fixtures/eras/legacy';
import { startModernHttp } from '../fixtures/eras/modern';
import { json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { connectAgent } from './support/eraAgent';
import { eventually, until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { ModernPoster } from './support/modernPoster';
import { fixture } from './support/programs';
import { processesOf } from './support/processes';
import { Stream } from './support/stream';

const SECRET = 'sessions-secret-91d2ce07';

describe('agents of 2026-07-28 have no sessions: what is held for them', function () {
  this.timeout(60_000);
  let proxy: LocalProxy;
  let starts: string;
  const posters: ModernPoster[] = [];

  beforeEach(async () => {
    proxy = await LocalProxy.start({ TOKEN: SECRET }, { newTools: () => 'allow' });
    starts = join(proxy.folder, 'starts');
  });

  afterEach(async () => {
    for (const { agent } of posters.splice(0)) agent.close();
    await proxy.close();
  });

  const stdio = (kind: string): object => ({
    command: process.execPath,
    args: [fixture('erasStdio'), kind, starts],
    secrets: { TOKEN: 'env' },
  });
  const startsOf = (): number => (existsSync(starts) ? readFileSync(starts, 'utf8').split('\n').length - 1 : 0);
  const poster = (server = 'one', capabilities: object = {}, token = proxy.token): ModernPoster => {
    const made = new ModernPoster(new Agent({ port: proxy.port, socket: proxy.socket, token }, server), capabilities);
    posters.push(made);
    return made;
  };
  /** Opens a subscription; its stream stays open. */
  const listen = async (from: ModernPoster, notifications: object): Promise<Stream> => {
    const message = from.message('subscriptions/listen', { notifications });
    const stream = Stream.of(await from.agent.open('POST', JSON.stringify(message), from.headers(message)));
    await stream.next('the acknowledgement', ({ method }) => method === 'notifications/subscriptions/acknowledged');
    return stream;
  };

  for (const kind of ['modern', 'legacy'])
    it(`two windows of an agent that use the same ids do not disturb each other (${kind} server)`, async () => {
      await proxy.servers({ one: stdio(kind) });
      const [first, second] = [poster(), poster()];
      await first.call('tools/list', {});
      await second.call('tools/list', {});
      const message = first.message('tools/call', { name: 'wait', arguments: {} });
      const waiting = first.agent.begin('POST', JSON.stringify(message), first.headers(message));
      waiting.response.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const answer = await second.call('tools/call', { name: 'echo', arguments: { text: 'second' } });
      assert.equal(second.lastId, first.lastId);
      assert.deepEqual(answer.messages[0]?.result?.structuredContent, { text: 'second' });
      assert.equal(startsOf(), kind === 'modern' ? 2 : 1);
      waiting.abort();
    });

  it('a replaced secret reaches a modern child with the next call', async () => {
    await proxy.servers({ one: stdio('modern') });
    const agent = poster();
    await agent.call('tools/list', {});
    await proxy.vault.set('TOKEN', Buffer.from(`${SECRET}-second`), 'user');
    const { messages } = await agent.call('tools/call', { name: 'leak', arguments: {} });
    assert.deepEqual((messages[0]?.result?.content as { text: string }[])[0]?.text, 'the secret is [redacted:TOKEN]');
    await until('a second child has started', () => startsOf() === 2);
  });

  it('agents share no child', async () => {
    for (const kind of ['modern', 'legacy']) {
      await proxy.servers({ one: stdio(kind) });
      const other = poster('one', {}, await proxy.agents.issue('another', 'user'));
      await poster().call('tools/call', { name: 'grow', arguments: {} });
      const { messages } = await other.call('tools/list', {});
      const names = (messages[0]?.result?.tools as { name: string }[]).map(({ name }) => name);
      assert.ok(!names.includes('grown'), kind);
    }
  });

  it('over stdio the proxy checks the headers that a tool wants', async () => {
    await proxy.servers({ one: stdio('modern') });
    const agent = poster();
    await agent.call('tools/list', {});
    const call = (headers: Record<string, string>): Promise<Answer> =>
      agent.call('tools/call', { name: 'headed', arguments: { region: 'zürich' } }, headers);
    const encoded = `=?base64?${Buffer.from('zürich').toString('base64')}?=`;
    assert.equal((await call({ 'mcp-param-region': encoded })).status, 200);
    for (const headers of [{}, { 'mcp-param-other': encoded }] as Record<string, string>[]) {
      const answer = await call(headers);
      assert.equal(answer.status, 400);
      assert.equal(answer.messages[0]?.error?.code, -32020);
    }
    assert.equal((await agent.call('tools/call', { name: 'headed', arguments: { region: null } })).status, 200);
  });

  it('what is logged during a call is told with the call, not with a subscription', async () => {
    await proxy.servers({ one: stdio('modern') });
    const agent = poster();
    const stream = await listen(agent, { toolsListChanged: true });
    const { messages } = await agent.call('tools/call', {
      name: 'chat',
      arguments: {},
      _meta: { 'io.modelcontextprotocol/logLevel': 'debug' },
    });
    const said = messages.filter(({ method }) => method === 'notifications/message').map(({ params }) => params?.data);
    assert.deepEqual(said, ['small talk', 'big news of [redacted:TOKEN]']);
    await agent.call('tools/call', { name: 'grow', arguments: {} });
    await stream.next('the change', ({ method }) => method === 'notifications/tools/list_changed');
    assert.ok(!stream.messages.some(({ method }) => method === 'notifications/message'));
    stream.close();
  });

  for (const kind of ['modern', 'legacy'])
    it(`a subscription says whose it is, and gets only what was asked for (${kind} server)`, async () => {
      await proxy.servers({ one: stdio(kind) });
      const agent = poster();
      const lists = await listen(agent, { toolsListChanged: true });
      const first = agent.lastId;
      const resources = await listen(agent, { resourceSubscriptions: ['test://static'] });
      const second = agent.lastId;
      await agent.call('tools/call', { name: 'touch', arguments: {} });
      const updated = await resources.next('the update', ({ method }) => method === 'notifications/resources/updated');
      assert.deepEqual(updated.params?._meta, { 'io.modelcontextprotocol/subscriptionId': second });
      await agent.call('tools/call', { name: 'grow', arguments: {} });
      const changed = await lists.next('the change', ({ method }) => method === 'notifications/tools/list_changed');
      assert.deepEqual(changed.params?._meta, { 'io.modelcontextprotocol/subscriptionId': first });
      assert.ok(!lists.messages.some(({ method }) => method === 'notifications/resources/updated'));
      assert.ok(!resources.messages.some(({ method }) => method === 'notifications/tools/list_changed'));
      lists.close();
      resources.close();
    });

  it('a subscription to a legacy server ends with an answer when its session ends', async () => {
    await proxy.servers({ one: stdio('legacy') });
    const agent = poster();
    const stream = await listen(agent, { toolsListChanged: true });
    const { lastId } = agent;
    await proxy.proxy.stopServer('one');
    const end = await stream.next('the end', ({ id }) => id === lastId);
    assert.equal(end.result?.resultType, 'complete');
    assert.equal((end.result._meta as Record<string, unknown>)['io.modelcontextprotocol/subscriptionId'], lastId);
  });

  it('subscriptions are on record as they end, without a failure', async () => {
    for (const kind of ['modern', 'legacy']) {
      await proxy.servers({ one: stdio(kind) });
      const stream = await listen(poster(), { toolsListChanged: true });
      proxy.audit.entries.length = 0;
      stream.close();
      const entry = await eventually('the entry', () => proxy.audit.entries.find(({ method }) => method === 'subscriptions/listen'));
      assert.equal(entry.outcome, 'ok', kind);
    }
  });

  it('when a server stops, its children are gone', async () => {
    for (const kind of ['modern', 'legacy']) {
      await proxy.servers({ one: stdio(kind) });
      await poster().call('tools/list', {});
      assert.equal(processesOf(proxy.folder).length > 0, true);
      await proxy.proxy.stopServer('one');
      await until('nothing runs', () => processesOf(proxy.folder).every(({ commandLine }) => !commandLine.includes('erasStdio')));
      proxy.proxy.startServer('one').catch(() => undefined);
    }
  });

  for (const kind of ['modern', 'legacy'])
    it(`an unknown method is answered with 404 and -32601 (${kind} server over stdio)`, async () => {
      await proxy.servers({ one: stdio(kind) });
      const answer = await poster().call('no/such', {});
      assert.equal(answer.status, 404, answer.body);
      assert.equal(answer.messages[0]?.error?.code, -32601);
      const removed = await poster().call('logging/setLevel', { level: 'debug' });
      assert.equal(removed.status, 404, removed.body);
    });

  it('a legacy server that asks an agent which cannot: 400 and -32021, with what would be needed', async () => {
    const upstream = await startLegacyHttp();
    await proxy.servers({ one: { url: upstream.url }, two: stdio('legacy') });
    for (const server of ['one', 'two']) {
      const answer = await poster(server).call('tools/call', { name: 'form', arguments: {} });
      // The SDK refuses to ask a client that has not said that it can.
      assert.match(answer.body, /does not support|asks for/);
    }
    await upstream.stop();
    const scripted = await ScriptedUpstream.start();
    await proxy.servers({ rude: { url: scripted.url, protocol: '2025-11-25' } });
    scripted.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{}}\n\n');
      return true;
    };
    const answer = await poster('rude').call('tools/call', { name: 'do', arguments: {} });
    assert.equal(answer.status, 400, answer.body);
    assert.equal(answer.messages[0]?.error?.code, -32021);
    assert.deepEqual((answer.messages[0].error.data as Record<string, unknown>).requiredCapabilities, { sampling: {} });
    // The server is not left waiting either.
    await until('the server has its answer', () =>
      scripted.received.some(({ body }) => body.includes('"id":7') && body.includes('-32603')),
    );
    await until('the call is cancelled', () => scripted.of('notifications/cancelled').length === 1);
    await scripted.stop();
  });

  it('a session that a legacy server has forgotten is opened again, unseen', async () => {
    const scripted = await ScriptedUpstream.start();
    await proxy.servers({ one: { url: scripted.url, protocol: '2025-11-25' } });
    const agent = poster();
    await agent.call('tools/call', { name: 'do', arguments: {} });
    let forgotten = true;
    scripted.script = ({ headers, message }, response) => {
      if (headers['mcp-session-id'] === undefined || !forgotten || message?.method !== 'tools/call') return false;
      forgotten = false;
      return json(response, {}, {}, 404);
    };
    const answer = await agent.call('tools/call', { name: 'do', arguments: {} });
    assert.deepEqual(answer.messages[0]?.result?.content, textResult('done').content);
    assert.equal(scripted.of('initialize').length, 2);
    await scripted.stop();
  });

  it('each call is on record once, with the secrets that were opened', async () => {
    const upstream = await startModernHttp('reject');
    await proxy.servers({ modern: { url: upstream.url, secrets: { TOKEN: { as: 'header', name: 'X-Secret' } } }, legacy: stdio('legacy') });
    const old = await connectAgent('v1', proxy, 'modern');
    const young = await connectAgent('v2 modern', proxy, 'legacy');
    proxy.audit.entries.length = 0;
    await old.tool('form');
    await young.tool('fail');
    const entries = await eventually('both', () => {
      const calls = proxy.audit.entries.filter(({ action }) => action === 'call');
      return calls.length >= 2 ? calls : undefined;
    });
    assert.deepEqual(entries.map(({ server, tool, outcome, secrets }) => ({ server, tool, outcome, secrets })), [
      { server: 'modern', tool: 'form', outcome: 'ok', secrets: ['TOKEN'] },
      { server: 'legacy', tool: 'fail', outcome: 'error', secrets: ['TOKEN'] },
    ]); // prettier-ignore
    await old.close();
    await young.close();
    await upstream.stop();
  });

  it('a function and all servers together can be used', async () => {
    const endpoint = await ScriptedUpstream.start();
    endpoint.script = (_request, response) => json(response, { answer: 42 });
    await proxy.servers({ fn: { type: 'function', url: endpoint.url, tools: [{ name: 'ask' }] }, two: stdio('modern') });
    const client = await connectAgent('v2 modern', proxy, 'fn');
    assert.deepEqual((await client.tool('ask')).structuredContent, { answer: 42 });
    await client.close();
    const all = await connectAgent('v2 modern', proxy, '');
    // On a slow machine the child joins after the first answers.
    await until('the tools of the child', async () => {
      const { tools } = (await all.request('tools/list')) as { tools: { name: string }[] };
      return tools.some(({ name }) => name.includes('echo'));
    });
    await all.close();
    await endpoint.stop();
  });
});

describe('legacy agents with a modern server over http: what is repeated in headers', function () {
  this.timeout(60_000);

  it('arguments are, as the tool wants it; its tools are looked at again if it refuses; wrong tools are not offered', async () => {
    const scripted = await ScriptedUpstream.start();
    const proxy = await LocalProxy.start({ TOKEN: SECRET }, { newTools: () => 'allow' });
    await proxy.servers({ one: { url: scripted.url, protocol: '2026-07-28', secrets: { TOKEN: 'body' } } });
    const region = {
      type: 'object',
      properties: { where: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } } },
    };
    const wrong = { type: 'object', properties: { n: { type: 'number', 'x-mcp-header': 'N' } } };
    scripted.script = ({ message, headers }, response) => {
      const answer = (result: object): true =>
        json(response, { jsonrpc: '2.0', id: message?.id, result: { resultType: 'complete', ...result } });
      if (message?.method === 'server/discover') return answer({ supportedVersions: ['2026-07-28'], capabilities: { tools: {} } });
      if (message?.method === 'tools/list')
        return answer({
          tools: [
            { name: 'query', inputSchema: region },
            { name: 'bad', inputSchema: wrong },
          ],
        });
      if (headers['mcp-param-region'] !== undefined) return answer({ content: [] });
      return json(response, { jsonrpc: '2.0', id: message?.id, error: { code: -32020, message: 'missing' } }, {}, 400);
    };
    const agent = new Agent(proxy, 'one');
    await agent.initialize();
    const args = { where: { region: 'zürich' } };
    assert.deepEqual((await agent.tool('query', args)).messages[0]?.result?.content, []);
    assert.equal(scripted.of('tools/call').length, 2);
    const list = await agent.call('tools/list');
    assert.deepEqual((list.messages[0]?.result?.tools as { name: string }[]).map(({ name }) => name), ['query']); // prettier-ignore
    await agent.tool('query', args);
    assert.equal(scripted.of('tools/call').length, 3);
    const { headers, body } = scripted.last('tools/call');
    assert.equal(headers['mcp-param-region'], `=?base64?${Buffer.from('zürich').toString('base64')}?=`);
    assert.equal(headers['mcp-name'], 'query');
    assert.ok(body.includes(SECRET));
    assert.ok(!JSON.stringify(headers).includes(SECRET));
    agent.close();
    await proxy.close();
    await scripted.stop();
  });
});
