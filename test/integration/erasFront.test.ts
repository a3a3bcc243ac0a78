import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { startModernHttp } from '../fixtures/eras/modern';
import type { RunningServer } from '../fixtures/eras/modern';
import { json, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { LocalProxy } from './support/localProxy';
import { ModernPoster } from './support/modernPoster';

const SECRET = 'front-secret-77c1f0aa';

describe('requests of 2026-07-28 at the front', function () {
  this.timeout(60_000);
  let upstream: RunningServer;
  let scripted: ScriptedUpstream;
  let proxy: LocalProxy;
  let poster: ModernPoster;

  before(async () => {
    upstream = await startModernHttp('reject');
    scripted = await ScriptedUpstream.start();
    proxy = await LocalProxy.start({ TOKEN: SECRET }, { newTools: () => 'allow' });
    await proxy.servers({
      one: { url: upstream.url, secrets: { TOKEN: { as: 'header', name: 'X-Secret' } } },
      open: { url: upstream.url },
      scripted: { url: scripted.url, protocol: '2026-07-28', secrets: { TOKEN: 'body' } },
    });
    poster = new ModernPoster(new Agent(proxy, 'one'));
  });

  after(async () => {
    poster.agent.close();
    await proxy.close();
    await upstream.stop();
    await scripted.stop();
  });

  const refused = (answer: Answer, code: number, status = 400): void => {
    assert.equal(answer.status, status, answer.body);
    assert.equal(answer.messages[0]?.error?.code, code);
  };

  it('a correct request passes, and says the same upstream', async () => {
    const answer = await poster.call('tools/call', { name: 'echo', arguments: { text: 'x' } });
    assert.equal(answer.status, 200);
    const sent = upstream.received.at(-1)?.headers;
    assert.equal(sent?.['mcp-method'], 'tools/call');
    assert.equal(sent['mcp-name'], 'echo');
    assert.equal(sent['mcp-protocol-version'], '2026-07-28');
    assert.equal(sent['x-secret'], SECRET);
    assert.equal(sent.authorization, undefined);
  });

  for (const [what, headers] of [
    ['without MCP-Protocol-Version', { 'mcp-protocol-version': undefined }],
    ['with another MCP-Protocol-Version', { 'mcp-protocol-version': '2027-01-01' }],
    ['with one of the era before', { 'mcp-protocol-version': '2025-11-25' }],
    ['without Mcp-Method', { 'mcp-method': undefined }],
    ['with another Mcp-Method', { 'mcp-method': 'tools/list' }],
    ['with Mcp-Method in other case', { 'mcp-method': 'TOOLS/CALL' }],
    ['without Mcp-Name', { 'mcp-name': undefined }],
    ['with another Mcp-Name', { 'mcp-name': 'fail' }],
    ['with an Mcp-Name that is no base64', { 'mcp-name': '=?base64?e?=' }],
    ['with an Mcp-Name that is no UTF-8', { 'mcp-name': '=?base64?/w==?=' }],
    ['with an Mcp-Param that repeats no argument', { 'mcp-param-text': 'y' }],
    ['with an Mcp-Param that is no base64', { 'mcp-param-text': '=?base64?x?=' }],
  ] as const)
    it(`${what}: refused with -32020, nothing is sent`, async () => {
      const before = upstream.received.length;
      const answer = await poster.call('tools/call', { name: 'echo', arguments: { text: 'x' } }, headers);
      refused(answer, -32020);
      assert.equal(answer.messages[0]?.id, poster.lastId);
      assert.equal(upstream.received.length, before);
    });

  it('headers that are encoded are compared with what they stand for', async () => {
    const name = 'ünïcode';
    const encoded = `=?base64?${Buffer.from(name).toString('base64')}?=`;
    const answer = await poster.call('tools/call', { name, arguments: {} }, { 'mcp-name': encoded });
    assert.equal(answer.messages[0]?.error?.code, -32602, answer.body);
  });

  it('Mcp-Param headers pass if they repeat an argument, and never otherwise', async () => {
    const text = ' padded é';
    const encoded = `=?base64?${Buffer.from(text).toString('base64')}?=`;
    const args = { text, deep: { count: 42, flag: true } };
    const answer = await poster.call(
      'tools/call',
      { name: 'echo', arguments: args },
      { 'mcp-param-text': encoded, 'mcp-param-n': '42.0', 'mcp-param-f': 'true' },
    );
    assert.equal(answer.status, 200, answer.body);
    assert.equal(upstream.received.at(-1)?.headers['mcp-param-text'], encoded);
    refused(await poster.call('tools/list', {}, { 'mcp-param-text': 'anything' }), -32020);
  });

  it('a request without who it is from is refused with -32602', async () => {
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };
    refused(await poster.agent.call('tools/list', {}, headers), -32602);
    const half = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };
    refused(await poster.agent.call('tools/list', half, headers), -32602);
  });

  it('a handshake does not belong to this era', async () => {
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'initialize' };
    refused(await poster.agent.call('initialize', { protocolVersion: '2025-11-25' }, headers), -32020);
  });

  it('batches and answers are refused with -32600', async () => {
    const one = poster.message('tools/list', {});
    const headers = poster.headers(one);
    refused(await poster.agent.post([one, poster.message('tools/list', {})], headers), -32600);
    refused(await poster.agent.post({ jsonrpc: '2.0', id: 1, result: {} }, headers), -32600);
  });

  it('names from the prototype of objects are no methods with names', async () => {
    for (const method of ['__proto__', 'constructor', 'toString']) {
      const answer = await poster.call(method, { name: 'x' });
      refused(answer, -32601, 404);
    }
  });

  it('there is no stream to open and no session to end', async () => {
    const headers = { 'mcp-protocol-version': '2026-07-28' };
    assert.equal((await poster.agent.send('GET', undefined, headers)).status, 405);
    assert.equal((await poster.agent.send('DELETE', undefined, headers)).status, 405);
    // And one that is named is ignored.
    const answer = await poster.call('tools/list', {}, { 'mcp-session-id': 'made up' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['mcp-session-id'], undefined);
  });

  it('a session that a server gives is not passed on', async () => {
    scripted.script = ({ message }, response) =>
      json(response, { jsonrpc: '2.0', id: message?.id, result: { resultType: 'complete', tools: [] } }, { 'mcp-session-id': 'unasked' });
    const agent = new ModernPoster(new Agent(proxy, 'scripted'));
    for (let i = 0; i < 70; i += 1) {
      const answer = await agent.call('tools/list', {});
      assert.equal(answer.status, 200, answer.body);
      assert.equal(answer.headers['mcp-session-id'], undefined);
    }
    agent.agent.close();
    assert.equal(proxy.proxy.status('scripted').sessions, 0);
  });

  it('is on record as refused', async () => {
    proxy.audit.entries.length = 0;
    await poster.call('tools/call', { name: 'echo' }, { 'mcp-name': 'other' });
    const [entry] = proxy.audit.entries;
    assert.equal(entry?.outcome, 'refused');
    assert.equal(entry.errorKind, 'headerMismatch');
    // It was not searched for secrets.
    assert.equal(entry.tool, undefined);
  });

  it('what a server with secrets answers is for this agent only; of others it is as it came', async () => {
    const list = await poster.call('tools/list', {});
    assert.equal(list.messages[0]?.result?.cacheScope, 'private');
    assert.equal(list.messages[0].result.ttlMs, 1000);
    const read = await poster.call('resources/read', { uri: 'test://static' });
    assert.equal(read.messages[0]?.result?.cacheScope, 'private');
    const open = new ModernPoster(new Agent(proxy, 'open'));
    assert.equal((await open.call('tools/list', {})).messages[0]?.result?.cacheScope, 'public');
    open.agent.close();
  });

  it('answers keep their bytes, but for the one word', async () => {
    const text = (id: unknown, scope: string): string =>
      `{ "jsonrpc":"2.0", "id":${JSON.stringify(id)},\n "result": {"resultType":"complete","ttlMs":1.0,"big":12345678901234567890, "cacheScope" : "${scope}", "resources":[]}}`;
    scripted.script = ({ message }, response) => message?.method === 'resources/list' && sendJson(response, text(message.id, 'public'));
    const agent = new ModernPoster(new Agent(proxy, 'scripted'));
    const answer = await agent.call('resources/list', {});
    agent.agent.close();
    assert.equal(answer.body, text(agent.lastId, 'public').replace('"cacheScope" : "public"', '"cacheScope":"private"'));
  });

  it('a secret of mode "body" is put in behind the headers: no header holds it', async () => {
    scripted.script = ({ message }, response) =>
      message?.method === 'tools/call' &&
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', content: [] } }));
    const agent = new ModernPoster(new Agent(proxy, 'scripted'));
    await agent.call('tools/call', { name: 'do', arguments: { region: 'eu' } }, { 'mcp-param-region': 'eu' });
    agent.agent.close();
    const received = scripted.last('tools/call');
    assert.ok(received.body.includes(SECRET), 'the server has got it');
    assert.ok(!JSON.stringify(received.headers).includes(SECRET));
    assert.equal(received.headers['mcp-param-region'], 'eu');
  });

  it('a legacy agent sends no Mcp-Param headers', async () => {
    const agent = new Agent(proxy, 'one');
    await agent.initialize();
    await agent.tool('echo', { text: 'eu' }, { 'mcp-param-text': 'smuggled' });
    agent.close();
    assert.equal(upstream.received.at(-1)?.headers['mcp-param-text'], undefined);
  });
});

function sendJson(response: ServerResponse, text: string): true {
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  return true;
}
