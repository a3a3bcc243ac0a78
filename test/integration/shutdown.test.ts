import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Agent } from './support/agent';
import { until } from './support/eventually';
import { isRunning, leftOf } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import { Workplace } from './support/workplace';

describe('serve', function () {
  this.timeout(60_000);
  let place: Workplace;

  beforeEach(() => {
    place = new Workplace();
  });

  afterEach(() => place.close());

  it('prints one line of JSON, and nothing else', async () => {
    const serving = await place.serve();
    const announced = JSON.parse(serving.stdout) as Record<string, unknown>;
    assert.deepEqual(Object.keys(announced), ['url', 'socket', 'token', 'pid']);
    assert.match(serving.stdout, /^\{[^\n]*\}\n$/);
    assert.match(serving.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(serving.token, /^[\w-]{43}$/);
    assert.ok(!serving.logs.includes(serving.token), 'the token is not in the log');
  });

  it('--port: that one, or another one if it is taken', async () => {
    const first = await place.serve();
    const second = await place.serve(['--port', String(first.port)]);
    assert.notEqual(second.port, first.port);
    await first.stop();
    // It would take over what is free again.
    await second.stop();
    const third = await place.serve(['--port', String(first.port)]);
    assert.equal(third.port, first.port);
  });

  it('tokens of one are no tokens of another, and end with it', async () => {
    const [first, second] = await Promise.all([place.serve(), place.serve()]);
    assert.notEqual(first.token, second.token);
    const agent = new Agent(first, 'x', { headers: { authorization: `Bearer ${second.token}` } });
    assert.equal((await agent.initialize()).status, 401);
    agent.close();
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`${signal} ends it with code 0, its children and what they started`, async () => {
      await place.addStdio('one', scripted());
      const serving = await place.serve();
      const agents = [new Agent(serving, 'one'), new Agent(serving, 'one')];
      const pids: number[] = [];
      for (const agent of agents) {
        await agent.initialize();
        pids.push((valueOf(await agent.tool('env')) as OwnEnvironment).pid, Number(textOf(await agent.tool('spawn', { stubborn: 'yes' }))));
      }
      const hanging = agents[0]?.tool('hang').catch(() => undefined);
      assert.ok(pids.every(isRunning));
      assert.equal(await serving.end(signal), 0);
      // Those that ignore SIGTERM were killed a moment ago, and need one to go.
      await until('the end of all', () => !pids.some(isRunning));
      await hanging;
      for (const agent of agents) agent.close();
      assert.ok(!existsSync(serving.socket), 'the socket is gone');
    });
  }

  it('ends in peace also when it is told in the moment in which it says where it is', async () => {
    for (let n = 0; n < 12; n += 1) await (await place.serve()).stop();
  });

  it('ends children that are deaf to everything but SIGKILL, also when it is told twice', async () => {
    await place.addStdio('deaf', scripted('--stubborn'));
    const serving = await place.serve();
    const agent = new Agent(serving, 'deaf');
    await agent.initialize();
    const { pid } = valueOf(await agent.tool('env')) as OwnEnvironment;
    const ended = serving.end();
    process.kill(serving.pid, 'SIGTERM');
    process.kill(serving.pid, 'SIGINT');
    assert.equal(await ended, 0);
    assert.ok(!isRunning(pid));
    agent.close();
  });

  it('ends children of sessions that begin or end while it is ending', async () => {
    await place.addStdio('deaf', scripted('--stubborn'));
    const serving = await place.serve();
    const [first, second, third] = [new Agent(serving, 'deaf'), new Agent(serving, 'deaf'), new Agent(serving, 'deaf')];
    await Promise.all([first.initialize(), second.initialize()]);
    // Its child takes its time; the session is over already.
    const ending = first.send('DELETE').catch(() => undefined);
    await until('the end of the session', async () => (await first.tool('env')).status === 404);
    const ended = serving.end();
    const begun = third.initialize().catch(() => undefined);
    assert.equal(await ended, 0);
    assert.deepEqual(await leftOf(place.root), []);
    await Promise.all([ending, begun]);
    for (const agent of [first, second, third]) agent.close();
  });

  it('a child that ends takes what it started with it', async () => {
    await place.addStdio('one', scripted());
    const agent = new Agent(await place.serve(), 'one');
    await agent.initialize();
    const grandchild = Number(textOf(await agent.tool('spawn')));
    assert.ok(isRunning(grandchild));
    await agent.tool('exit');
    await until('the end of the grandchild', () => !isRunning(grandchild));
    agent.close();
  });

  it('writes down what happened until the end', async () => {
    await place.addStdio('one', scripted());
    const serving = await place.serve();
    const agent = new Agent(serving, 'one');
    await agent.initialize();
    void agent.tool('hang').catch(() => undefined);
    await until('the call at the child', async () => (await agent.tool('received')).body.includes('hang'));
    await serving.stop();
    const lines = place.auditEntries().filter(({ tool }) => tool === 'hang');
    assert.equal(lines.length, 1, JSON.stringify(lines));
    assert.equal(lines[0]?.outcome, 'error');
    agent.close();
  });

  describe('the unix socket', () => {
    it('is for this user alone, and works with the same token', async () => {
      await place.addStdio('one', scripted());
      const serving = await place.serve();
      assert.equal(statSync(serving.socket).mode & 0o777, 0o600);
      assert.equal(statSync(dirname(serving.socket)).mode & 0o777, 0o700);
      assert.ok(serving.socket.startsWith(place.temp));
      const agent = new Agent(serving, 'one', { socket: true });
      await agent.initialize();
      assert.equal(textOf(await agent.tool('echo', { text: 'through the socket' })), 'through the socket');
      const session = agent.session;
      const byPort = new Agent(serving, 'one');
      byPort.session = session;
      assert.equal(textOf(await byPort.tool('echo', { text: 'by the port' })), 'by the port');
      for (const each of [agent, byPort]) each.close();
    });

    it('asks for the token and for a local Host, too', async () => {
      const serving = await place.serve();
      const agent = new Agent(serving, 'one', { socket: true });
      assert.equal((await agent.send('POST', '{}', { authorization: 'Bearer wrong' })).status, 401);
      assert.equal((await agent.send('POST', '{}', { host: 'evil.example' })).status, 403);
      assert.equal((await agent.send('POST', '{}', { origin: 'https://evil.example' })).status, 403);
      agent.close();
    });

    it('listens on 127.0.0.1 only', async function () {
      const serving = await place.serve();
      if (!existsSync('/proc/net/tcp')) this.skip();
      const port = serving.port.toString(16).toUpperCase().padStart(4, '0');
      const tables = ['/proc/net/tcp', '/proc/net/tcp6'].filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'));
      const listening = tables.flatMap((table) => table.split('\n')).filter((line) => line.includes(`:${port} `) && line.includes(' 0A '));
      assert.equal(listening.length, 1, listening.join('\n'));
      assert.match(listening[0] ?? '', / 0100007F:/);
    });

    it("in a folder that is somebody else's, or no folder: refused", async () => {
      const { writeFileSync } = await import('node:fs');
      const { userInfo } = await import('node:os');
      writeFileSync(join(place.temp, `mcp-secrets-${String(userInfo().uid)}`), '');
      const { code, stderr } = await place.cli(['serve']);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^mcp-secrets: The proxy cannot listen on .*\. If that is a port, .*XDG_RUNTIME_DIR name a folder of your own\.\n$/,
      );
    });
  });
});
