import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ScriptedSse } from '../fixtures/scriptedSse';
import { event, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { allProcesses } from './support/processes';
import { Stream } from './support/stream';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What this process holds open, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** The children of this process with theirs, by command line. Empty where there is no /proc. */
function descendants(): string[] {
  const parents = new Map(allProcesses().map(({ pid }) => [pid, parentOf(pid)]));
  const isOurs = (pid: number | undefined): boolean => pid !== undefined && (pid === process.pid || isOurs(parents.get(pid)));
  const found = allProcesses().filter(({ pid }) => isOurs(parents.get(pid)));
  // One that has ended and was never waited for has no command line.
  return found.map(({ pid, commandLine }) => (commandLine === '' ? `the remains of ${String(pid)}` : commandLine)).sort();
}

/** `undefined` if it has ended meanwhile. */
function parentOf(pid: number): number | undefined {
  try {
    // After the name, which can hold anything, and the state.
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
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

/** What there is at one moment. */
interface Snapshot {
  readonly heap: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly processes: readonly string[];
}

async function snapshot(): Promise<Snapshot> {
  return { heap: await heap(), resources: resources(), processes: descendants() };
}

/** For sessions whose agents are killed: a server has at most 64. */
const KILLED = 1_000;
const CROWD = Array.from({ length: 16 }, (_, n) => `crowd-${String(n)}`);

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
      ...Object.fromEntries(CROWD.map((name) => [name, { url: http.url, secrets: { TOKEN: 'bearer' } }])),
      stdio: { command: '/bin/sh', args: ['-c', TINY], secrets: { TOKEN: 'env' } },
    });
  });

  after(async () => {
    await local.close();
    await http.stop();
    await old.stop();
  });

  /** Is gone before the handshake is answered, or nearly. @returns the session, if the agent has heard of one. */
  async function leaveEarly(agent: Agent, way: number): Promise<string | undefined> {
    const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } };
    const begun = agent.begin('POST', JSON.stringify(hello));
    const opened = begun.response.then(
      ({ headers }) => headers['mcp-session-id'],
      () => undefined,
    );
    begun.response.then(
      (response) => response.on('error', () => undefined).resume(),
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, way % 20));
    begun.abort();
    const session = await opened;
    return typeof session === 'string' ? session : undefined;
  }

  /** Opens a session, uses it, and drops it in one of the ways in which agents do that. */
  async function session(server: string, way: number): Promise<void> {
    const agent = new Agent(local, server);
    if (way % 4 === 3) {
      const opened = await leaveEarly(agent, way);
      if (opened !== undefined) await agent.send('DELETE', undefined, { 'mcp-session-id': opened });
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
    for (let n = 0; n < count; n += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, (_, i) => session(server, n + i)));
      // Those whose agents left early are soon the first that give way to others.
      local.clock.time += 11_000;
    }
    // Those whose agents left before they had read that there is one.
    await local.proxy.stopServer(server);
    await until(`the end of the sessions with ${server}`, () => local.proxy.status(server).sessions === 0);
    await local.proxy.startServer(server);
  }

  /** Calls that the server has begun to answer. */
  const hanging = new Set<unknown>();

  /** Every session has an id of its own; a call of `hang` is never answered to the end. */
  function serveCrowd(open: Set<string>): Script {
    return ({ method, headers, message }, response) => {
      if (method === 'DELETE') open.delete(String(headers['mcp-session-id']));
      if (message?.method === 'initialize') {
        http.sessionId = randomUUID();
        // Who left early broke off the request: then nobody knows of it.
        if (message.params?.clientInfo !== undefined) open.add(http.sessionId);
      }
      if (message?.params?.name !== 'hang') return false;
      hanging.add(response);
      response.on('close', () => hanging.delete(response));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'begun' } }));
      return true;
    };
  }

  /** Opens a session and is killed: the system closes the connections, and that is all that the proxy is told. */
  async function killed(server: string, way: number): Promise<void> {
    const agent = new Agent(local, server);
    if (way % 4 === 3) await leaveEarly(agent, way);
    else {
      await agent.initialize();
      // Sessions that their agents come back to have an hour.
      local.clock.time += 1;
      await agent.tool('x');
      if (way % 4 === 1) await Stream.open(agent);
      if (way % 4 === 2) {
        const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hang' } };
        (await agent.open('POST', JSON.stringify(call))).on('error', () => undefined);
      }
    }
    agent.close();
  }

  /** As many that are killed, with one server after the other. */
  async function crowd(count: number): Promise<void> {
    const one = (n: number): Promise<void> => killed(CROWD[n % CROWD.length] ?? '', Math.floor(n / CROWD.length));
    for (let n = 0; n < count; n += 20) await Promise.all(Array.from({ length: 20 }, (_, i) => one(n + i)));
  }

  /**
   * Waits until there is no more than before of anything. Connections that servers keep for later are closed after 5 s.
   * @param spare bytes by which the heap may grow, however many sessions there were: what the engine learns of the code.
   */
  async function assertNothingLeft(before: Snapshot, count: number, spare = 1_000_000): Promise<void> {
    http.reset();
    old.received.length = 0;
    old.opened.length = 0;
    local.audit.entries.length = 0;
    local.logger.lines.length = 0;
    const more = (): [string, number][] => Object.entries(resources()).filter(([kind, number]) => number > (before.resources[kind] ?? 0));
    await settled(() => more().length === 0);
    assert.deepEqual(more(), [], `it was ${JSON.stringify(before.resources)}`);
    await settled(() => descendants().join() === before.processes.join());
    assert.deepEqual(descendants(), before.processes);
    await until('the end of streams at the servers', () => http.streams.size === 0 && old.streams.size === 0);
    // What only waits for a timer goes; what is kept stays.
    const limit = before.heap + count * 1_000 + spare;
    let now = await heap();
    for (let n = 0; n < 10 && now >= limit; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      now = await heap();
    }
    assert.ok(now < limit, `${String(Math.round((now - before.heap) / 1000))} KB more are in use`);
  }

  /** Waits until something holds, for as long as that may take at most: what is asserted next says why it does not. */
  async function settled(holds: () => boolean): Promise<void> {
    for (let n = 0; n < 300 && !holds(); n += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  for (const [server, count, atOnce, spare] of [
    // The first, so most is learned here: in so many sessions 2 KB that each leaves are more than that.
    ['http', 3_000, 20, 3_000_000],
    ['old', 200, 10, 1_000_000],
    ['stdio', 100, 5, 1_000_000],
  ] as const) {
    it(`${String(count)} with a server over ${server}: nothing is left of them`, async function () {
      if (server === 'stdio' && process.platform === 'win32') this.skip();
      await sessions(server, atOnce * 4, atOnce);
      http.reset();
      const before = await snapshot();
      await sessions(server, count, atOnce);
      await assertNothingLeft(before, count, spare);
    });
  }

  // Who is idle is looked for once a minute: both wait for the same look.
  it(`${String(KILLED)} whose agents were killed, and those whose agents never came back to them, end; those in use do not`, async () => {
    /** The sessions that the server has: those that it could tell the proxy of. */
    const atServer = new Set<string>();
    http.script = serveCrowd(atServer);
    await local.proxy.startServer('old');
    await crowd(80);
    for (const name of CROWD) {
      await local.proxy.stopServer(name);
      await local.proxy.startServer(name);
    }
    http.reset();
    atServer.clear();
    const before = await snapshot();
    http.script = serveCrowd(atServer);
    await crowd(KILLED);
    const open = (): number => CROWD.reduce((sum, name) => sum + local.proxy.status(name).sessions, 0);
    assert.ok(
      open() >= atServer.size && atServer.size >= KILLED * 0.7,
      `${String(open())} are open, ${String(atServer.size)} at the server`,
    );
    await until('the end of streams and calls', () => http.streams.size === 0 && hanging.size === 0);
    assert.ok(open() >= atServer.size, 'they are kept for a while');

    local.clock.time += 58 * 60_000;
    const [lost, used] = [new Agent(local, 'old'), new Agent(local, 'old')];
    const answer = await lost.call('initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    assert.equal(typeof answer.headers['mcp-session-id'], 'string');
    await used.initialize();
    local.clock.time += 1;
    await used.tool('x');
    local.clock.time += 3 * 60_000;
    for (let n = 0; n < 700 && (open() > 0 || local.proxy.status('old').sessions > 1); n += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual([open(), local.proxy.status('old').sessions], [0, 1]);
    await until('the end of the sessions at the server', () => atServer.size === 0);
    assert.equal((await used.tool('x')).status, 200);
    assert.equal((await used.send('DELETE')).status, 204);
    for (const agent of [lost, used]) agent.close();
    await assertNothingLeft(before, KILLED);
  });
});
