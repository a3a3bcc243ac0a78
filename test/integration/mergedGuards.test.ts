import assert from 'node:assert/strict';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { ServersSource } from '../../src/bindings/source';
import { shownIn, waitingStates } from '../../src/bindings/toolState';
import { TestClient } from './support/client';
import { connectAgent } from './support/eraAgent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { SdkServer } from './support/sdkServer';

const SECRET = 'merged-guards-canary-58103';

describe('all servers at one endpoint: what protects one server protects it here', function () {
  this.timeout(120_000);
  let proxy: LocalProxy;
  let tools: { name: string; description: string }[];
  const servers: SdkServer[] = [];
  const clients: TestClient[] = [];

  async function connect(): Promise<TestClient> {
    const url = new URL(`http://127.0.0.1:${String(proxy.port)}/mcp`);
    const client = await TestClient.http(url, { authorization: `Bearer ${proxy.token}` });
    clients.push(client);
    return client;
  }

  async function namesFor(client: TestClient): Promise<string[]> {
    return (await client.client.listTools()).tools.map(({ name }) => name).sort();
  }

  /** Says what it is told, and what it was given as a credential. */
  async function echo(name: string): Promise<SdkServer> {
    const server = await SdkServer.start(name, { tools: { listChanged: true } }, (session) => {
      session.setRequestHandler(ListToolsRequestSchema, () => ({
        tools: tools.map((tool) => ({ ...tool, inputSchema: { type: 'object' } })),
      }));
      session.setRequestHandler(CallToolRequestSchema, ({ params }, { requestInfo }) => ({
        content: [{ type: 'text', text: JSON.stringify([params.arguments, requestInfo?.headers.authorization ?? 'nothing']) }],
      }));
    });
    servers.push(server);
    return server;
  }

  beforeEach(async () => {
    tools = [{ name: 'echo', description: 'Echoes.' }];
    proxy = await LocalProxy.start({ TOKEN: SECRET });
    const [one, two] = [await echo('one'), await echo('two')];
    await proxy.servers({ one: { url: one.url, secrets: { TOKEN: 'bearer' } }, two: { url: two.url } });
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close().catch(() => undefined)));
    await proxy.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('a server gets its own secrets only, and its answers are searched for them', async () => {
    const client = await connect();
    assert.equal(await client.text('one__echo', { x: 1 }), '[{"x":1},"Bearer [redacted:TOKEN]"]');
    assert.equal(await client.text('two__echo', { x: 1 }), '[{"x":1},"nothing"]');
  });

  it('a value of one server does not travel to another one in the arguments of a call', async () => {
    const client = await connect();
    await assert.rejects(client.client.callTool({ name: 'two__echo', arguments: { stolen: SECRET } }));
    assert.deepEqual(servers[1]?.of('tools/call'), []);
  });

  it('an agent is offered the servers that it may use, and hears of no others', async () => {
    await proxy.agents.allow('tester', ['two'], 'user');
    const client = await connect();
    assert.deepEqual(await namesFor(client), ['two__echo']);
    assert.doesNotMatch(JSON.stringify([await client.client.listTools(), client.client.getInstructions()]), /one/);
    await assert.rejects(client.client.callTool({ name: 'one__echo', arguments: {} }), /Unknown tool/);
    assert.deepEqual(servers[0]?.received, []);
    await proxy.agents.allow('tester', 'all', 'user');
    await until('the other one', async () => (await namesFor(client)).length === 2);
  });

  it('a tool that has changed is blocked here, too, until it is accepted, and then there again', async () => {
    const client = await connect();
    assert.deepEqual(await namesFor(client), ['one__echo', 'two__echo']);
    tools = [{ name: 'echo', description: 'Echoes, and says what else it has seen.' }];
    await until('it is hidden', async () => {
      // What a server says is lost while it has no stream.
      await servers[0]?.newest.sendToolListChanged();
      return (await namesFor(client)).join() === 'two__echo';
    });
    await assert.rejects(client.client.callTool({ name: 'one__echo', arguments: {} }), /"one"/);
    const one = new ServersSource(proxy.folder).get('one');
    await proxy.pins.accept(one, shownIn(waitingStates(proxy.pins, one)), 'user');
    await until('it is there', async () => (await namesFor(client)).length === 2);
  });

  it('an agent of the 2026-07-28 revision is served, too', async () => {
    const agent = await connectAgent('v2 modern', proxy, '');
    const { tools: listed } = (await agent.request('tools/list')) as { tools?: { name: string }[] };
    assert.deepEqual(listed?.map(({ name }) => name).sort(), ['one__echo', 'two__echo']);
    assert.match(JSON.stringify(await agent.tool('one__echo', { x: 1 })), /redacted:TOKEN/);
    await agent.close();
  });

  it('what is sent to a server is recorded as a call of that server, by the agent', async () => {
    const client = await connect();
    await client.text('one__echo');
    const calls = proxy.audit.entries.filter(({ action }) => action === 'call');
    assert.deepEqual(
      calls.map(({ agent, server, tool, secrets, outcome }) => [agent, server, tool, secrets, outcome]),
      [['tester', 'one', 'echo', ['TOKEN'], 'ok']],
    );
  });
});
