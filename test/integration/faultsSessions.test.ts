import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { ScriptedSse } from '../fixtures/scriptedSse';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { allProcesses } from './support/processes';
import { Stream } from './support/stream';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What this process holds open, by kind. Connections that are kept for later are closed before. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Bytes in use once everything that nobody refers to is gone. */
async function heap(): Promise<number> {
  for (let n = 0; n < 4; n += 1) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

/** A small child that answers, and starts fast. */
const TINY = `read line; while [ -n "$line" ]; do
  id=$(printf %s "$line" | sed -n 's/.*"id":\\([0-9]*\\).*/\\1/p')
  case $line in
    *initialize\\"*) [ -n "$id" ] && printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"t","version":"1"}}}\\n' "$id" ;;
    *\\"id\\"*) [ -n "$id" ] && printf '{"jsonrpc":"2.0","id":%s,"result":{}}\\n' "$id" ;;
  esac
  read line || exit 0
done`;

describe('sessions that are opened and dropped', function () {
  this.timeout(600_000);
  let local: LocalProxy;
  let http: ScriptedUpstream;
  let old: ScriptedSse;

  before(async () => {
    http = await ScriptedUpstream.start();
    old = await ScriptedSse.start();
    local = await LocalProxy.start({ TOKEN: newPlainCanary() });
    await local.servers({
      http: { url: http.url, secrets: { TOKEN: 'bearer' } },
      old: { type: 'sse', url: old.url, secrets: { TOKEN: 'bearer' } },
      stdio: { command: '/bin/sh', args: ['-c', TINY], secrets: { TOKEN: 'env' } },
    });
  });

  after(async () => {
    await local.close();
    await http.stop();
    await old.stop();
  });

  /** Opens a session, uses it, and drops it in one of the ways in which agents do that. */
  async function session(server: string, way: number): Promise<void> {
    const agent = new Agent(local, server);
    if (way % 4 === 3) {
      // Gone before the handshake was answered.
      const begun = agent.begin(
        'POST',
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } }),
      );
      begun.response.then(
        (response) => response.resume(),
        () => undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, way % 20));
      begun.abort();
      const opened = await begun.response.then(
        (response) => response.headers['mcp-session-id'],
        () => undefined,
      );
      if (typeof opened === 'string') await agent.send('DELETE', undefined, { 'mcp-session-id': opened });
    } else {
      await agent.initialize();
      const stream = way % 4 === 1 ? await Stream.open(agent) : undefined;
      await agent.tool('x');
      if (way % 4 === 2) void agent.tool('y').catch(() => undefined);
      assert.equal((await agent.send('DELETE')).status, 204);
      stream?.close();
    }
    agent.close();
  }

  async function sessions(server: string, count: number, atOnce: number): Promise<void> {
    for (let n = 0; n < count; n += atOnce) await Promise.all(Array.from({ length: atOnce }, (_, i) => session(server, n + i)));
    // Those whose agents left before they had read that there is one.
    await local.proxy.stopServer(server);
    await until(`the end of the sessions with ${server}`, () => local.proxy.status(server).sessions === 0);
    await local.proxy.startServer(server);
  }

  for (const [server, count, atOnce] of [
    ['http', 1_000, 20],
    ['old', 200, 10],
    ['stdio', 100, 5],
  ] as const) {
    it(`${String(count)} with a server over ${server}: nothing is left of them`, async function () {
      if (server === 'stdio' && process.platform === 'win32') this.skip();
      await sessions(server, atOnce * 4, atOnce);
      http.reset();
      const before = { heap: await heap(), resources: resources(), processes: allProcesses().length };
      await sessions(server, count, atOnce);
      http.reset();
      old.received.length = 0;
      old.opened.length = 0;
      local.audit.entries.length = 0;
      local.logger.lines.length = 0;
      await until('the end of what was open', () => {
        const now = resources();
        return ['Timeout', 'TCPSocketWrap', 'PipeWrap', 'ProcessWrap'].every(
          (kind) => (now[kind] ?? 0) <= (before.resources[kind] ?? 0) + 10,
        );
      });
      await until('the end of streams at the servers', () => http.streams.size === 0 && old.streams.size === 0);
      let grown = (await heap()) - before.heap;
      // What only waits for a timer goes; what is kept stays.
      for (let n = 0; n < 10 && grown >= count * 1_000 + 1_000_000; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        grown = (await heap()) - before.heap;
      }
      assert.ok(grown < count * 1_000 + 1_000_000, `${String(Math.round(grown / 1000))} KB more are in use`);
    });
  }

  it('those whose agents never came back to them end after some minutes, those in use do not', async () => {
    const [lost, used] = [new Agent(local, 'old'), new Agent(local, 'old')];
    const answer = await lost.call('initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    assert.equal(typeof answer.headers['mcp-session-id'], 'string');
    await used.initialize();
    local.clock.time += 1;
    await used.tool('x');
    local.clock.time += 3 * 60_000;
    // It is looked for once a minute.
    for (let n = 0; n < 700 && local.proxy.status('old').sessions > 1; n += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(local.proxy.status('old').sessions, 1);
    assert.equal((await used.tool('x')).status, 200);
    for (const agent of [lost, used]) agent.close();
  });
});
