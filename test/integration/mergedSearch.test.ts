import assert from 'node:assert/strict';
import { TestClient } from './support/client';
import { serverScript } from './support/programs';
import { scripted } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('all servers at one endpoint: search mode', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const clients: TestClient[] = [];
  let client: TestClient;

  async function connect(serving: Serving, path: string): Promise<TestClient> {
    const connected = await TestClient.all(serving, path);
    clients.push(connected);
    return connected;
  }

  async function namesFor(of: TestClient): Promise<string[]> {
    return (await of.client.listTools()).tools.map(({ name }) => name);
  }

  before(async () => {
    await place.addStdio('everything', [process.execPath, serverScript('everything'), 'stdio']);
    await place.addStdio('files', [process.execPath, serverScript('filesystem'), place.workspace]);
    await place.addStdio('scripted', scripted());
    client = await connect(await place.serve(), '/mcp?mode=search');
  });

  after(async () => {
    await Promise.all(clients.map((each) => each.close()));
    await place.close();
  });

  it('three tools stand for all; resources and prompts stay', async () => {
    assert.deepEqual(await namesFor(client), ['find_tools', 'describe_tool', 'call_tool']);
    assert.match(client.client.getInstructions() ?? '', /find_tools/);
    assert.ok((await client.client.listResources()).resources.length > 0);
    assert.ok((await client.client.listPrompts()).prompts.length > 0);
  });

  it('finds a tool by what it does, the best first, a line for each', async () => {
    const [first, ...more] = (await client.text('find_tools', { query: 'create a folder', limit: 3 })).split('\n');
    assert.match(first ?? '', /^files__create_directory: /);
    assert.ok(more.length <= 2);
    assert.match(await client.text('find_tools', { query: 'qwertyuiop' }), /No tool matches/);
  });

  it('describes a tool with its schema, and says what to do about a name that there is not', async () => {
    const described = JSON.parse(await client.text('describe_tool', { name: 'everything__get-sum' })) as Record<string, unknown>;
    assert.equal(described.name, 'everything__get-sum');
    assert.match(JSON.stringify(described.inputSchema), /"a".*"b"/);
    const unknown = await client.client.callTool({ name: 'describe_tool', arguments: { name: 'everything__nothing' } });
    assert.equal(unknown.isError, true);
    assert.match(JSON.stringify(unknown.content), /find_tools/);
  });

  it('calls a tool: result, progress and the record are those of the tool', async () => {
    assert.match(await client.text('call_tool', { name: 'everything__get-sum', arguments: { a: 2, b: 3 } }), /5/);
    assert.match(await client.text('call_tool', { name: 'everything__get-sum', arguments: '{"a":2,"b":4}' }), /6/);
    const progress: number[] = [];
    await client.client.callTool(
      { name: 'call_tool', arguments: { name: 'everything__trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } } },
      undefined,
      { onprogress: (update) => void progress.push(update.progress) },
    );
    assert.deepEqual(progress, [1, 2, 3]);
    const [entry] = await place.audited(2, (line) => line.tool === 'get-sum');
    assert.equal(entry?.server, 'everything');
  });

  it('a tool can also be called by its name', async () => {
    assert.equal(await client.text('everything__echo', { message: 'hello' }), 'Echo: hello');
  });

  it('`serve --search` makes it the default, and an agent can have all the same', async () => {
    const serving = await place.serve(['--search']);
    assert.deepEqual(await namesFor(await connect(serving, '/mcp')), ['find_tools', 'describe_tool', 'call_tool']);
    assert.ok((await namesFor(await connect(serving, '/mcp?mode=all'))).includes('files__create_directory'));
  });
});
