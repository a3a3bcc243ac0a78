import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { TestClient } from './support/client';
import { serverScript } from './support/programs';
import { SdkServer } from './support/sdkServer';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

const SECRET = 'merged-canary-value-20571';

function tool(name: string, more: Partial<Tool> = {}): Tool {
  return { name, description: `The tool ${name}.`, inputSchema: { type: 'object' }, ...more };
}

/** A server with tools that answer with their server's name and what they were given. */
async function toolServer(name: string, tools: Tool[]): Promise<SdkServer> {
  return SdkServer.start(name, { tools: { listChanged: true } }, (server) => {
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
      // One tool a page.
      const at = Number(params?.cursor ?? 0);
      const next = at + 1 < tools.length ? { nextCursor: String(at + 1) } : {};
      return { tools: tools.slice(at, at + 1), ...next };
    });
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => ({
      content: [{ type: 'text', text: JSON.stringify({ server: name, tool: params.name, given: params.arguments }) }],
      _meta: { 'test/kept': true },
    }));
  });
}

describe('all servers at one endpoint', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const tools = [tool('look_up'), tool('create.issue', { title: 'Create', annotations: { destructiveHint: true } })];
  let first: SdkServer;
  let second: SdkServer;
  let serving: Serving;
  let client: TestClient;

  before(async () => {
    first = await toolServer('first', tools);
    second = await toolServer('second', tools);
    writeFileSync(join(place.workspace, 'note.txt'), 'a note');
    await place.secret('TOKEN', SECRET);
    await place.addHttp('first', first.url, 'TOKEN=bearer');
    await place.addHttp('second', second.url);
    await place.addStdio('everything', [process.execPath, serverScript('everything'), 'stdio']);
    await place.addStdio('files', [process.execPath, serverScript('filesystem'), place.workspace]);
    await place.addStdio('broken', ['/no/such/program']);
    serving = await place.serve();
    client = await TestClient.all(serving);
  });

  after(async () => {
    await client.close();
    await place.close();
    await first.stop();
    await second.stop();
  });

  it('offers the tools of all, each once, under the name of its server', async () => {
    const { tools: offered } = await client.client.listTools();
    const names = offered.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[A-Za-z0-9_-]{1,46}$/);
    assert.ok(names.includes('first__look_up') && names.includes('second__look_up'));
    assert.ok(names.includes('everything__echo') && names.includes('files__read_text_file'));
    assert.equal(names.filter((name) => name.startsWith('first__create_issue-')).length, 1);
    const issue = offered.find(({ name }) => name.startsWith('first__create_issue-'));
    assert.equal(issue?.title, 'Create');
    assert.deepEqual(issue.annotations, { destructiveHint: true });
  });

  it('a call reaches the server that its name says, with the secrets of that one, and comes back as it was', async () => {
    const result = await client.client.callTool({ name: 'second__look_up', arguments: { word: 'x' } });
    assert.deepEqual(JSON.parse((result.content as { text: string }[])[0]?.text ?? ''), {
      server: 'second',
      tool: 'look_up',
      given: { word: 'x' },
    });
    assert.deepEqual(result._meta, { 'test/kept': true });
    assert.equal(await client.text('everything__echo', { message: 'hello' }), 'Echo: hello');
    assert.equal(await client.text('files__read_text_file', { path: join(place.workspace, 'note.txt') }), 'a note');
  });

  it('what does not work is left out, and said in the instructions and with the lists', async () => {
    assert.match(client.client.getInstructions() ?? '', /Not available now: .*"broken".*not found/);
    const { _meta } = await client.client.listTools();
    const skipped = _meta?.['mcp-secrets/skipped'] as { server: string; reason: string }[];
    assert.deepEqual(
      skipped.map(({ server }) => server),
      ['broken'],
    );
  });

  it('audit entries name the real server and tool, and the agent', async () => {
    await client.client.callTool({ name: 'first__look_up', arguments: {} });
    const [entry] = await place.audited(1, (line) => line.action === 'call' && line.server === 'first');
    assert.equal(entry?.tool, 'look_up');
    assert.deepEqual(entry.secrets, ['TOKEN']);
    assert.deepEqual(
      place.auditEntries().filter(({ server }) => server?.startsWith('*')),
      [],
    );
  });
});
