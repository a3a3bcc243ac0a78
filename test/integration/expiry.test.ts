import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { eventually } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { processesOf } from './support/processes';
import { scripted, textOf } from './support/scripted';
import { Workplace } from './support/workplace';

const DAY = 24 * 60 * 60 * 1000;

describe('a secret that expires while it is in use', function () {
  this.timeout(60_000);
  let policy: 'warn' | 'refuse';
  let used: string[];
  let local: LocalProxy;
  let upstream: ScriptedUpstream;
  let agents: Record<'web' | 'child' | 'body' | 'fn', Agent>;

  beforeEach(async () => {
    policy = 'refuse';
    used = [];
    upstream = await ScriptedUpstream.start();
    local = await LocalProxy.start(
      { OTHER: newPlainCanary() },
      { expiredSecrets: () => policy, onExpiredUsed: (secret, server) => used.push(`${secret} ${server}`) },
    );
    await set(DAY);
    const [command = '', ...args] = scripted('--in', local.folder);
    const secrets = (as: string): Record<string, string> => ({ TOKEN: as });
    await local.servers({
      web: { url: upstream.url, secrets: { ...secrets('bearer'), OTHER: 'header' } },
      // They stay, though a day goes by for the proxy.
      child: { command, args, secrets: secrets('env'), limits: { idle: 'never' } },
      body: { command, args, secrets: secrets('body'), limits: { idle: 'never' } },
      fn: { type: 'function', url: `${upstream.origin}/fn`, secrets: secrets('body'), tools: [{ name: 'env' }] },
    });
    agents = { web: new Agent(local, 'web'), child: new Agent(local, 'child'), body: new Agent(local, 'body'), fn: new Agent(local, 'fn') };
    for (const agent of Object.values(agents)) {
      await agent.initialize();
      assert.equal((await agent.tool('env')).messages[0]?.error, undefined);
    }
  });

  afterEach(async () => {
    for (const agent of Object.values(agents)) agent.close();
    await local.close();
    await upstream.stop();
  });

  async function set(expiresInMs: number): Promise<void> {
    await local.vault.set('TOKEN', Buffer.from(newPlainCanary()), 'user', 'workspace', { expiresAt: local.clock.now() + expiresInMs });
  }

  it('is refused, where that was chosen, before anything is contacted: also by children that have it', async () => {
    local.clock.time += DAY;
    const asked = upstream.received.length;
    const children = processesOf(local.folder);
    for (const [server, agent] of Object.entries(agents)) {
      const error = (await agent.tool('env')).messages[0]?.error;
      assert.equal(error?.data?.kind, 'secretExpired', server);
      assert.match(error.message, new RegExp(`TOKEN, bound to server "${server}", expired on 2026-01-03 03:04 UTC.*Replace it`));
    }
    assert.equal(upstream.received.length, asked);
    assert.deepEqual(processesOf(local.folder), children);
    assert.deepEqual(
      used,
      Object.keys(agents).map((server) => `TOKEN ${server}`),
    );
    const refused = local.audit.entries.filter(({ errorKind }) => errorKind === 'secretExpired');
    assert.deepEqual(
      refused.map(({ outcome, server, secrets }) => [outcome, server, secrets]),
      Object.keys(agents).map((server) => ['refused', server, []]),
    );
    assert.equal(local.proxy.status('web').state, 'failed');
  });

  it('works again with a new value or a later date, in the same sessions', async () => {
    local.clock.time += DAY;
    for (const agent of Object.values(agents)) assert.equal((await agent.tool('env')).messages[0]?.error?.data?.kind, 'secretExpired');
    await local.vault.schedule('TOKEN', 'user', 'workspace', { expiresAt: local.clock.now() + DAY });
    for (const agent of Object.values(agents)) assert.equal((await agent.tool('env')).messages[0]?.error, undefined);
    local.clock.time += DAY;
    await set(DAY);
    for (const agent of Object.values(agents)) assert.equal((await agent.tool('env')).messages[0]?.error, undefined);
  });

  it('is used and announced where that was chosen; the log hears of it once', async () => {
    policy = 'warn';
    local.clock.time += DAY;
    for (let round = 0; round < 2; round += 1) {
      assert.equal(textOf(await agents.web.tool('do')), 'done');
      assert.equal(textOf(await agents.child.tool('echo', { text: 'x' })), 'x');
    }
    assert.deepEqual(used, ['TOKEN web', 'TOKEN child', 'TOKEN web', 'TOKEN child']);
    assert.equal(local.logger.lines.filter((line) => line.includes('expired')).length, 1);
    const calls = local.audit.entries.filter(({ action }) => action === 'call').slice(-4);
    for (const { outcome, errorKind } of calls) assert.deepEqual([outcome, errorKind], ['ok', undefined]);
  });
});

describe('mcp-secrets serve --expired', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', newPlainCanary(), '--expires', new Date(Date.now() + 15_000).toISOString());
    await place.addHttp('web', upstream.url, 'TOKEN=bearer');
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  it('refuse: calls stop when the date has come; warn is the default; anything else is no choice', async () => {
    const strict = new Agent(await place.serve(['--expired', 'refuse']), 'web');
    await eventually('the refusal', async () => (await strict.tool('do')).messages[0]?.error?.data?.kind === 'secretExpired' || undefined);
    const sent = upstream.received.length;
    await strict.tool('do');
    assert.equal(upstream.received.length, sent);
    strict.close();

    const called = await place.cli(['call', 'web', 'do']);
    assert.deepEqual([called.code, called.stdout], [0, 'done\n'], called.stderr);
    assert.match(called.stderr, /^The secret TOKEN expired on .* and is still used, by server "web"\. Replace it with a new value\.$/m);
    const refused = await place.cli(['call', 'web', 'do', '--expired', 'refuse']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /TOKEN, bound to server "web", expired on /);
    assert.equal((await place.cli(['serve', '--expired', 'maybe'])).code, 2);
  });
});
