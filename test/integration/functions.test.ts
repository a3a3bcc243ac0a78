import assert from 'node:assert/strict';
import { json, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { newCanary, newPlainCanary } from './support/canaries';
import { TestClient } from './support/client';
import { Workplace } from './support/workplace';

describe('function servers', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const key = newCanary();
  const token = newPlainCanary();
  let upstream: ScriptedUpstream;
  let client: TestClient;
  let headers: TestClient;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('DEPLOY_KEY', key);
    await place.secret('TOKEN', token);
    const inputSchema = { type: 'object', properties: { tag: { type: 'string' } }, required: ['tag'] };
    await place.servers(
      {
        deploy: {
          type: 'function',
          url: `${upstream.origin}/deploy?x=1`,
          secrets: { DEPLOY_KEY: 'body', TOKEN: 'bearer' },
          tools: [{ name: 'deploy', description: 'Deploys a tag', inputSchema }, { name: 'undo' }],
        },
        headers: {
          type: 'function',
          url: `${upstream.origin}/headers`,
          headers: { 'X-Team': 'blue' },
          secrets: { TOKEN: { as: 'header', name: 'X-Key', template: 'k ${value}' } },
          tools: [{ name: 'run' }],
        },
      },
      'deploy',
      'headers',
    );
    const serving = await place.serve(['--timeout', '20']);
    client = await TestClient.proxied(serving, 'deploy');
    headers = await TestClient.proxied(serving, 'headers');
  });

  beforeEach(() => {
    upstream.reset();
  });

  after(async () => {
    await Promise.all([client.close(), headers.close()]);
    await place.close();
    await upstream.stop();
  });

  const replying =
    (body: string, type: string, status = 200): Script =>
    (_, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
      return true;
    };

  it('offers its tools as MCP tools', async () => {
    const { tools } = await client.client.listTools();
    assert.deepEqual(tools, [
      {
        name: 'deploy',
        description: 'Deploys a tag',
        inputSchema: { type: 'object', properties: { tag: { type: 'string' } }, required: ['tag'] },
      },
      { name: 'undo', inputSchema: { type: 'object' } },
    ]);
    await client.client.ping();
    assert.equal(upstream.received.length, 0, 'only calls go out');
  });

  it('a call POSTs its arguments and the secrets', async () => {
    upstream.script = (_, response) => json(response, { ok: true, id: 7 });
    const result = await client.client.callTool({ name: 'deploy', arguments: { tag: 'v1', secrets: 'mine' } });
    assert.deepEqual(result, { content: [{ type: 'text', text: '{"ok":true,"id":7}' }], structuredContent: { ok: true, id: 7 } });
    const [received] = upstream.received;
    assert.deepEqual([received?.method, received?.path], ['POST', '/deploy?x=1']);
    assert.deepEqual(JSON.parse(received?.body ?? ''), { tag: 'v1', secrets: { DEPLOY_KEY: key } });
    assert.equal(received?.headers.authorization, `Bearer ${token}`);
    assert.equal(received.headers['content-type'], 'application/json');
  });

  it('header mode, with the headers of the file', async () => {
    upstream.script = replying('fine', 'text/plain');
    assert.deepEqual(await headers.client.callTool({ name: 'run', arguments: { a: [1] } }), { content: [{ type: 'text', text: 'fine' }] });
    const [received] = upstream.received;
    assert.equal(received?.headers['x-key'], `k ${token}`);
    assert.equal(received.headers['x-team'], 'blue');
    assert.equal(received.body, '{"a":[1]}');
    assert.ok(!JSON.stringify(received).includes(key.slice(0, 20)), "no other server's secret");
  });

  it('text becomes text; JSON that is no object is no structured content', async () => {
    upstream.script = replying('line 1\nä', 'text/plain; charset=utf-8');
    assert.equal(await client.text('deploy', { tag: 'x' }), 'line 1\nä');
    upstream.script = replying('[1,2]', 'application/json');
    assert.deepEqual(await client.client.callTool({ name: 'deploy', arguments: {} }), { content: [{ type: 'text', text: '[1,2]' }] });
  });

  it('an error status is a failure of the tool, with what the endpoint says', async () => {
    upstream.script = replying(`{"error":"no tag","key":${JSON.stringify(key)}}`, 'application/json', 422);
    const result = await client.client.callTool({ name: 'deploy', arguments: {} });
    assert.deepEqual(result, {
      isError: true,
      content: [{ type: 'text', text: 'HTTP 422: {"error":"no tag","key":"[redacted:DEPLOY_KEY]"}' }],
    });
  });

  it('401 says which secrets to check', async () => {
    upstream.script = replying('go away', 'text/plain', 401);
    await assert.rejects(
      client.client.callTool({ name: 'deploy', arguments: {} }),
      /refused access \(HTTP 401\)\. Check the secrets DEPLOY_KEY, TOKEN, and the way it is sent/,
    );
  });

  it('broken JSON is a failure of the tool', async () => {
    upstream.script = replying('{"half":', 'application/json');
    const result = await client.client.callTool({ name: 'deploy', arguments: {} });
    assert.equal(result.isError, true);
  });

  it('a tool that it does not have is refused, and nothing is sent', async () => {
    await assert.rejects(client.client.callTool({ name: 'destroy', arguments: {} }), /Unknown tool: destroy/);
    assert.equal(upstream.received.length, 0);
  });

  it('echoed secrets are taken out of text and structured content', async () => {
    upstream.script = ({ body }, response) => json(response, { echo: JSON.parse(body) as unknown, auth: `Bearer ${token}` });
    const result = await client.client.callTool({ name: 'deploy', arguments: { tag: 'x' } });
    assert.deepEqual(result.structuredContent, {
      echo: { tag: 'x', secrets: { DEPLOY_KEY: '[redacted:DEPLOY_KEY]' } },
      auth: 'Bearer [redacted:TOKEN]',
    });
    assert.ok(!JSON.stringify(result).includes(key.slice(0, 20)));
  });

  it('the record holds names only', async () => {
    upstream.script = (_, response) => json(response, {});
    await client.client.callTool({ name: 'undo', arguments: {} });
    const [line] = await place.audited(1, ({ tool }) => tool === 'undo');
    assert.deepEqual(line?.secrets, ['DEPLOY_KEY', 'TOKEN']);
    for (const { tool, secrets } of place.auditEntries()) if (tool === 'deploy') assert.deepEqual(secrets, ['DEPLOY_KEY', 'TOKEN']);
  });
});
