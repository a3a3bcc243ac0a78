import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startLegacyHttp } from '../fixtures/eras/legacy';
import { startModernHttp } from '../fixtures/eras/modern';
import type { Received, RunningServer } from '../fixtures/eras/modern';
import { json, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { connectAgent } from './support/eraAgent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { ModernPoster } from './support/modernPoster';
import { fixture } from './support/programs';

const SECRET = 'finding-secret-0b1e9d33';

/** A legacy server that answers nothing but a handshake and `tools/list`. */
const SILENT = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const results = {
    initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'silent', version: '1' } },
    'tools/list': { tools: [] },
  };
  if (method in results) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] }));
})`;

/** How often a server was asked for something of the legacy, of the modern era. */
function countOf(received: readonly Received[]): { legacy: number; modern: number; discover: number } {
  const posts = received.filter(({ method }) => method === 'POST');
  const modern = posts.filter(({ headers }) => headers['mcp-method'] !== undefined);
  const discover = modern.filter(({ headers }) => headers['mcp-method'] === 'server/discover');
  return { legacy: posts.length - modern.length, modern: modern.length, discover: discover.length };
}

describe('the era of a server is found out', function () {
  this.timeout(60_000);
  let proxy: LocalProxy;
  let starts: string;
  const running: RunningServer[] = [];

  beforeEach(async () => {
    proxy = await LocalProxy.start({ TOKEN: SECRET }, { newTools: () => 'allow' });
    starts = join(proxy.folder, 'starts');
  });

  afterEach(async () => {
    await proxy.close();
    for (const server of running.splice(0)) await server.stop();
  });

  const startsOf = (): number => (existsSync(starts) ? readFileSync(starts, 'utf8').split('\n').length - 1 : 0);
  const stdio = (kind: string, more: object = {}): object => ({
    command: process.execPath,
    args: [fixture('erasStdio'), kind, starts],
    secrets: { TOKEN: 'env' },
    ...more,
  });
  const http = async (server: Promise<RunningServer>, more: object = {}): Promise<RunningServer> => {
    const started = await server;
    running.push(started);
    await proxy.servers({ one: { url: started.url, secrets: { TOKEN: { as: 'header', name: 'X-Secret' } }, ...more } });
    return started;
  };

  for (const [agent, kind] of [
    ['v1', 'modern'],
    ['v1', 'legacy'],
    ['v2 modern', 'legacy'],
    ['v2 modern', 'modern'],
  ] as const)
    // prettier-ignore
    it(`an agent (${agent}) and a ${kind} server over stdio: it is started once`, async () => {
      await proxy.servers({ one: stdio(kind) });
      const client = await connectAgent(agent, proxy, 'one');
      assert.equal((await client.tool('fail')).isError, true);
      assert.equal(startsOf(), 1);
      await client.close();
      // By now it is known.
      const second = await connectAgent(agent, proxy, 'one');
      assert.equal((await second.tool('fail')).isError, true);
      await second.close();
      assert.ok(startsOf() <= 2);
    });

  it('requests that come at once find it out together', async () => {
    for (const kind of ['legacy', 'modern']) {
      rmSync(starts, { force: true });
      await proxy.servers({ [kind]: stdio(kind) });
      const poster = new ModernPoster(new Agent(proxy, kind));
      const answers = await Promise.all(
        [1, 2, 3, 4].map((text) => poster.call('tools/call', { name: 'echo', arguments: { text: String(text) } })),
      );
      assert.deepEqual(answers.map(({ messages }) => (messages[0]?.result?.structuredContent as { text: string }).text), ['1', '2', '3', '4']); // prettier-ignore
      assert.equal(startsOf(), 1, kind);
      assert.equal(proxy.proxy.status(kind).sessions, 1);
      poster.agent.close();
    }
  });

  it('a request that cannot be translated leaves no child behind', async () => {
    await proxy.servers({ one: stdio('legacy') });
    const poster = new ModernPoster(new Agent(proxy, 'one'));
    assert.equal((await poster.call('ping', {})).status, 404);
    await until('no session is left', () => proxy.proxy.status('one').sessions === 0);
    poster.agent.close();
  });

  it('a server that ends when it is asked is started again with a handshake', async () => {
    await proxy.servers({ one: stdio('fragile') });
    const client = await connectAgent('v2 modern', proxy, 'one');
    assert.equal((await client.tool('fail')).isError, true);
    assert.equal(startsOf(), 2);
    await client.close();
  });

  describe('of one that takes its time', () => {
    /** A server of a kind that begins to read late. */
    const slow = (kind: string, ms: number, limits: object): object => ({
      command: process.execPath,
      args: ['-e', `setTimeout(() => { process.argv.splice(1, 0, 'x'); void import(${JSON.stringify(fixture('erasStdio'))}); }, ${String(ms)})`, kind, starts],
      secrets: { TOKEN: 'env' },
      limits,
    }); // prettier-ignore
    let poster: ModernPoster;
    const list = async (): Promise<Answer> => poster.call('tools/list', {});

    beforeEach(() => {
      poster = new ModernPoster(new Agent(proxy, 'one'));
    });

    afterEach(() => {
      poster.agent.close();
    });

    it('it has the time of its start for that, not that of a call', async () => {
      for (const kind of ['modern', 'legacy']) {
        rmSync(starts, { force: true });
        await proxy.servers({ one: slow(kind, 5_000, { startTimeout: '30s', callTimeout: '3s' }) });
        const { messages, body } = await list();
        assert.equal(messages[0]?.result?.resultType, 'complete', body);
        assert.equal(startsOf(), 1, kind);
      }
    });

    it('a modern one that comes so late that it is offered a handshake, too, is modern, for all who wait', async () => {
      await proxy.servers({ one: slow('modern', 11_000, { startTimeout: '10s', callTimeout: '10s' }) });
      for (const { messages, body } of await Promise.all([list(), list(), list()]))
        assert.equal(messages[0]?.result?.cacheScope, 'private', body);
      assert.equal((await list()).messages[0]?.result?.ttlMs, 1000);
      assert.equal(startsOf(), 1);
    });

    it('a server that never says anything is given up when the time of its start is over', async () => {
      await proxy.servers({ one: slow('modern', 600_000, { startTimeout: '1s', callTimeout: '1h' }) });
      const { messages, body } = await list();
      assert.equal(messages[0]?.error?.data?.kind, 'upstreamTimeout', body);
      assert.ok(body.includes('sent nothing for 1 second'), body);
    });

    it('a legacy one that is silent on what it does not know gets its handshake', async () => {
      await proxy.servers({ one: { command: process.execPath, args: ['-e', SILENT], limits: { startTimeout: '4s' } } });
      const { messages, body } = await list();
      assert.deepEqual(messages[0]?.result?.tools, [], body);
      assert.equal(proxy.proxy.status('one').sessions, 1);
    });
  });

  it('a server of both eras is spoken to in the agent’s own', async () => {
    await proxy.servers({ one: stdio('dual') });
    for (const kind of ['v1', 'v2 modern'] as const) {
      const client = await connectAgent(kind, proxy, 'one');
      await client.tool('form');
      assert.deepEqual(client.asked, ['elicitation/create'], kind);
      await client.close();
    }
    const server = await http(startModernHttp('stateless'));
    const legacy = await connectAgent('v1', proxy, 'one');
    await legacy.tool('fail');
    await legacy.close();
    assert.equal(countOf(server.received).modern, 0);
    const modern = await connectAgent('v2 modern', proxy, 'one');
    const before = countOf(server.received).legacy;
    await modern.tool('fail');
    await modern.close();
    assert.equal(countOf(server.received).legacy, before);
  });

  it('over http a modern server is offered a handshake once', async () => {
    const server = await http(startModernHttp('reject'));
    for (let i = 0; i < 3; i += 1) {
      const client = await connectAgent('v1', proxy, 'one');
      await client.tool('fail');
      await client.close();
    }
    assert.equal(countOf(server.received).legacy, 1);
  });

  it('over http a legacy server is asked to describe itself once, and the session is kept', async () => {
    const server = await http(startLegacyHttp());
    for (let i = 0; i < 3; i += 1) {
      const client = await connectAgent('v2 modern', proxy, 'one');
      await client.tool('fail');
      await client.close();
    }
    const { discover, legacy } = countOf(server.received);
    assert.equal(discover, 1);
    // The handshake in two messages, and three calls.
    assert.equal(legacy, 5);
  });

  it('the servers file can say it', async () => {
    const modern = await http(startModernHttp('reject'), { protocol: '2026-07-28' });
    const old = await connectAgent('v1', proxy, 'one');
    await old.tool('fail');
    await old.close();
    assert.equal(countOf(modern.received).legacy, 0);
    const legacy = await http(startLegacyHttp(), { protocol: '2025-11-25' });
    const young = await connectAgent('v2 modern', proxy, 'one');
    await young.tool('fail');
    await young.close();
    assert.equal(countOf(legacy.received).modern, 0);
    await proxy.servers({ one: stdio('modern', { protocol: '2026-07-28' }) });
    const third = await connectAgent('v1', proxy, 'one');
    assert.equal((await third.tool('fail')).isError, true);
    assert.equal(startsOf(), 1);
    await third.close();
  });

  it('a refusal of the credentials is no sign of an era: they are sent once', async () => {
    const upstream = await ScriptedUpstream.start();
    upstream.script = (_request, response) => json(response, {}, {}, 401);
    await proxy.servers({ one: { url: upstream.url, secrets: { TOKEN: 'bearer' } } });
    const poster = new ModernPoster(new Agent(proxy, 'one'));
    const answer = await poster.call('tools/list', {});
    assert.equal(answer.messages[0]?.error?.data?.kind, 'upstreamRefused');
    assert.equal(upstream.received.length, 1);
    const agent = new Agent(proxy, 'one');
    assert.equal((await agent.initialize()).messages[0]?.error?.data?.kind, 'upstreamRefused');
    assert.equal(upstream.received.length, 2);
    agent.close();
    poster.agent.close();
    await upstream.stop();
  });

  it('a server that is not there leaves no verdict', async () => {
    const upstream = await startModernHttp('reject');
    await upstream.stop();
    await proxy.servers({ one: { url: upstream.url } });
    const poster = new ModernPoster(new Agent(proxy, 'one'));
    assert.equal((await poster.call('tools/list', {})).messages[0]?.error?.data?.kind, 'upstreamUnreachable');
    poster.agent.close();
    const server = await http(startModernHttp('reject'));
    const client = await connectAgent('v2 modern', proxy, 'one');
    await client.tool('fail');
    await client.close();
    assert.equal(countOf(server.received).legacy, 0);
  });

  it('a server that becomes another one is found out again', async () => {
    const upstream = await ScriptedUpstream.start();
    await proxy.servers({ one: { url: upstream.url } });
    const poster = new ModernPoster(new Agent(proxy, 'one'));
    upstream.script = ({ message }, response) =>
      message?.method === 'server/discover' &&
      json(response, { jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'Method not found' } });
    assert.equal((await poster.call('tools/list', {})).messages[0]?.result?.resultType, 'complete');
    // From now on it knows no sessions, and describes itself.
    upstream.script = ({ message, headers }, response) => {
      if (headers['mcp-session-id'] !== undefined) return json(response, {}, {}, 404);
      if (message?.method === 'initialize') return json(response, { jsonrpc: '2.0', id: message.id, error: { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } } }, {}, 400); // prettier-ignore
      if (message?.method === 'server/discover') return json(response, { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {} } }); // prettier-ignore
      return json(response, { jsonrpc: '2.0', id: message?.id, result: { resultType: 'complete', tools: [], modern: true } });
    };
    const between = await poster.call('tools/list', {});
    assert.equal(between.messages[0]?.error?.code, -32022);
    assert.equal((await poster.call('tools/list', {})).messages[0]?.result?.modern, true);
    poster.agent.close();
    await upstream.stop();
    rmSync(starts, { force: true });
  });
});
