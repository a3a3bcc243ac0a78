import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';
import type { AuditLine } from './support/workplace';

describe('alerts of a running proxy', function () {
  this.timeout(60_000);
  let place: Workplace;
  let upstream: ScriptedUpstream;

  beforeEach(async () => {
    place = new Workplace();
    upstream = await ScriptedUpstream.start();
  });

  afterEach(async () => {
    await place.close();
    await upstream.stop();
  });

  const entriesOf = (action: string): (AuditLine & { rule?: string; count?: number })[] =>
    place.auditEntries().filter((entry) => entry.action === action);

  async function knock(serving: Serving, times: number): Promise<void> {
    const stranger = new Agent(serving, 'one', { headers: { authorization: 'Bearer wrong' } });
    for (let i = 0; i < times; i += 1) assert.equal((await stranger.send('POST', '{}')).status, 401);
    stranger.close();
  }

  it('tell of wrong tokens, and a flood of them fills no disk', async () => {
    await place.addHttp('one', upstream.url);
    const serving = await place.serve();
    await knock(serving, 4);
    await until('refusals are recorded', () => entriesOf('agent.refuse').length === 4);
    assert.equal(entriesOf('alert').length, 0);
    await knock(serving, 300);
    await until('it is said', () => serving.logs.includes('Alert: 5 requests without a valid token'));
    await serving.stop();
    const refusals = entriesOf('agent.refuse');
    assert.equal(refusals.length, 21);
    assert.equal(
      refusals.reduce((sum, { count = 1 }) => sum + count, 0),
      304,
    );
    assert.deepEqual(
      refusals.map(({ actor, outcome, errorKind }) => [actor, outcome, errorKind]),
      refusals.map(() => ['agent', 'refused', 'tokenWrong']),
    );
    assert.deepEqual(
      entriesOf('alert').map(({ actor, rule }) => [actor, rule]),
      [['product', 'tokensRefused']],
    );
    assert.match(await place.ok(['audit', 'verify']), /in order/);
  });

  it("tell of an agent's first call once, also across restarts, and of a denied one", async () => {
    await place.addHttp('one', upstream.url);
    await place.servers({ one: { type: 'http', url: upstream.url }, two: { type: 'http', url: upstream.url } });
    for (let run = 0; run < 2; run += 1) {
      const serving = await place.serve();
      const agent = new Agent(serving, 'one');
      await agent.initialize();
      assert.equal((await agent.tool('hello')).status, 200);
      agent.close();
      await serving.stop();
    }
    assert.deepEqual(
      entriesOf('alert').map(({ rule, agent, server }) => [rule, agent, server]),
      [['newAgent', 'command line', 'one']],
    );
    const serving = await place.serve();
    const agent = new Agent(serving, 'two');
    await agent.initialize();
    agent.close();
    await until('it is said', () =>
      serving.logs.includes('Alert: A call by the agent "command line" to server "two" was refused (serverUnapproved)'),
    );
  });

  it('tell of an expired secret that is used', async () => {
    await place.addHttp('one', upstream.url, 'TOKEN=bearer');
    const expiresAt = Date.now() + 8_000;
    await place.secret('TOKEN', newPlainCanary(), '--expires', new Date(expiresAt).toISOString());
    const serving = await place.serve();
    await until('it has expired', () => Date.now() > expiresAt);
    const agent = new Agent(serving, 'one');
    await agent.initialize();
    await agent.tool('hello');
    agent.close();
    await until('it is said', () => serving.logs.includes('Alert: The secret TOKEN has expired'));
    await until('it is recorded', () => entriesOf('alert').some(({ rule }) => rule === 'secretExpired'));
  });
});
