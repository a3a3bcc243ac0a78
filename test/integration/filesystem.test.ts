import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TestClient } from './support/client';
import { until } from './support/eventually';
import { serverScript } from './support/programs';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('server-filesystem by stdio', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const script = serverScript('filesystem');
  const folder = join(place.workspace, 'files');
  let serving: Serving;
  let proxied: TestClient;
  let direct: TestClient;

  before(async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.txt'), 'first\nsecond\n');
    await place.addStdio('files', [process.execPath, script, '${workspaceFolder}/files']);
    await place.addStdio('by-roots', [process.execPath, script]);
    serving = await place.serve();
    proxied = await TestClient.proxied(serving, 'files', {});
    direct = await TestClient.stdio(process.execPath, [script, folder], place.workspace, {});
  });

  after(async () => {
    await Promise.all([proxied.close(), direct.close()]);
    await place.close();
  });

  const questions: [string, Record<string, unknown>][] = [
    ['list_allowed_directories', {}],
    ['read_text_file', { path: join(folder, 'a.txt') }],
    ['read_text_file', { path: join(folder, 'a.txt'), head: 1 }],
    ['read_media_file', { path: join(folder, 'a.txt') }],
    ['list_directory', { path: folder }],
    ['directory_tree', { path: folder }],
    ['read_text_file', { path: '/etc/passwd' }],
    ['read_text_file', { path: join(folder, 'none.txt') }],
  ];
  for (const [name, args] of questions) {
    it(`${name} ${JSON.stringify(Object.keys(args))}: the same as without the proxy`, async () => {
      const ask = { name, arguments: args };
      const [expected, actual] = await Promise.all([direct.client.callTool(ask), proxied.client.callTool(ask)]);
      assert.deepEqual(actual, expected);
    });
  }

  it('offers the same tools', async () => {
    assert.deepEqual(await proxied.client.listTools(), await direct.client.listTools());
  });

  it('writes and edits a file', async () => {
    const path = join(folder, 'written.txt');
    await proxied.client.callTool({ name: 'write_file', arguments: { path, content: 'ä\nold line\n' } });
    const edits = [{ oldText: 'old line', newText: 'new line' }];
    const { content } = await proxied.client.callTool({ name: 'edit_file', arguments: { path, edits } });
    assert.match(JSON.stringify(content), /\+new line/);
    assert.equal(readFileSync(path, 'utf8'), 'ä\nnew line\n');
  });

  it('a large file comes whole', async () => {
    const text = 'x'.repeat(99).concat('\n').repeat(20_000);
    writeFileSync(join(folder, 'large.txt'), text);
    assert.equal(await proxied.text('read_text_file', { path: join(folder, 'large.txt') }), text);
  });

  it('takes the roots of the agent, and their changes', async () => {
    const client = new TestClient({ roots: { listChanged: true } });
    client.roots = [{ uri: pathToFileURL(folder).href }];
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const headers = { authorization: `Bearer ${serving.token}` };
    await client.connect(new StreamableHTTPClientTransport(serving.at('by-roots'), { requestInit: { headers } }));
    await until('the first root', async () => (await client.text('list_allowed_directories')).includes(folder));
    client.roots = [{ uri: pathToFileURL(place.home).href }];
    await client.client.sendRootsListChanged();
    await until('the second root', async () => (await client.text('list_allowed_directories')).includes(place.home));
    await client.close();
  });
});
