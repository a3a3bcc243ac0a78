import assert from 'node:assert/strict';
import { answerTo, json, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { scripted } from './support/scripted';
import { Stream } from './support/stream';

describe('agents of a proxy in this process', function () {
  this.timeout(60_000);
  let local: LocalProxy;
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    local = await LocalProxy.start({});
    const [command, ...args] = scripted();
    await local.servers({ web: { url: upstream.url }, second: { url: upstream.url }, local: { command, args } });
  });

  after(async () => {
    await local.close();
    await upstream.stop();
  });

  it('servers that are tried at the same time do not take each other’s access', async () => {
    // The handshakes take long enough to overlap.
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/list') return false;
      setTimeout(() => json(response, answerTo(message, { tools: [] })), 200);
      return true;
    };
    await Promise.all([local.proxy.startServer('web'), local.proxy.startServer('second'), local.proxy.startServer('local')]);
    upstream.reset();
    assert.deepEqual(
      local.agents.list().map(({ agent }) => agent),
      ['tester'],
      'the product itself is no agent to be seen',
    );
  });

  it('a revocation in this process ends what is open at once; that of another agent does not', async () => {
    const [one, two] = [await local.agents.issue('one', 'user'), await local.agents.issue('two', 'user')];
    const [first, second] = [new Agent({ ...reach(), token: one }, 'local'), new Agent({ ...reach(), token: two }, 'local')];
    await Promise.all([first.initialize(), second.initialize()]);
    const [gone, stays] = [await Stream.open(first), await Stream.open(second)];
    await local.agents.revoke('one', 'user');
    await until('its stream ends', () => gone.response.readableEnded || gone.response.destroyed);
    assert.equal((await first.call('ping')).status, 401);
    assert.equal((await second.call('ping')).status, 200);
    assert.ok(!stays.response.readableEnded && !stays.response.destroyed);
    stays.close();
    for (const agent of [first, second]) agent.close();
  });

  it('that listen in as many sessions as there may be leave room for others', async () => {
    const token = await local.agents.issue('many', 'user');
    const many = Array.from({ length: 64 }, () => new Agent({ ...reach(), token }, 'web'));
    const streams: Stream[] = [];
    for (const agent of many) {
      await agent.initialize();
      local.clock.time += 1;
      streams.push(await Stream.open(agent));
    }
    const other = new Agent({ ...reach(), token: await local.agents.issue('other', 'user') }, 'web');
    const { messages } = await other.initialize();
    assert.equal(messages[0]?.error, undefined);
    const isOver = ({ response }: Stream): boolean => response.readableEnded || response.destroyed;
    await until('one of them has given way', () => streams.some(isOver));
    assert.equal(streams.filter(isOver).length, 1);
    for (const stream of streams) stream.close();
    for (const agent of [...many, other]) agent.close();
  });

  it('sessions outlast one token of several, and end when the last one expires', async () => {
    const brief = await local.agents.issue('three', 'user', { expiresAt: local.clock.time + 60_000 });
    const longer = await local.agents.issue('three', 'user', { expiresAt: local.clock.time + 120_000 });
    const agent = new Agent({ ...reach(), token: brief }, 'local');
    await agent.initialize();
    const stream = await Stream.open(agent);
    local.clock.time += 60_000;
    assert.equal((await agent.call('ping')).messages[0]?.error?.data?.kind, 'tokenExpired');
    const again = new Agent({ ...reach(), token: longer }, 'local');
    again.session = agent.session;
    assert.equal((await again.call('ping')).status, 200);
    local.clock.time += 60_000;
    await until('the stream ends', () => stream.response.readableEnded || stream.response.destroyed);
    for (const one of [agent, again]) one.close();
  });

  it('what a client says of itself is noted, cut and made visible, and gives it nothing', async () => {
    const token = await local.agents.issue('claims', 'user', { servers: ['web'] });
    const agent = new Agent({ ...reach(), token }, 'web');
    const names = ['tester', 'x'.repeat(500), 'a\u202eb\n', '__proto__'];
    for (const name of names) {
      await agent.call('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: '1' } });
      const { client } = local.agents.list().find((info) => info.agent === 'claims') ?? {};
      assert.ok(client !== undefined && client.length < 200 && !/[\u202e\n]/.test(client), client);
    }
    for (const clientInfo of [undefined, null, 7, [], { name: 7 }, { name: {} }])
      assert.equal((await agent.call('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })).status, 200);
    const other = new Agent({ ...reach(), token }, 'local');
    const refused = await other.call('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'tester', version: '1' },
    });
    assert.equal(refused.messages[0]?.error?.data?.kind, 'serverNotForAgent');
    for (const one of [agent, other]) one.close();
  });

  function reach(): { port: number; socket: string } {
    return { port: local.port, socket: local.socket };
  }
});
