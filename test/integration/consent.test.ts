import assert from 'node:assert/strict';
import type { CallAnswer } from '../../src/bindings/callApproval';
import { answerTo, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { LocalProxy } from './support/localProxy';
import { ModernPoster } from './support/modernPoster';

describe('what a person has said to the calls of an agent', function () {
  this.timeout(60_000);
  let local: LocalProxy;
  let upstream: ScriptedUpstream;
  let agents: Agent[];
  /** The agents whose calls a person was asked about. */
  let asked: string[];
  let answer: CallAnswer;

  beforeEach(async () => {
    agents = [];
    asked = [];
    upstream = await ScriptedUpstream.start();
    upstream.script = ({ message }, response) =>
      message?.method === 'tools/call' && json(response, answerTo(message, { ...textResult('done'), resultType: 'complete' }));
    local = await LocalProxy.start({}, { callApprover: { ask: ({ agent }) => (asked.push(agent), Promise.resolve(answer)) } });
    await local.servers({ web: { url: upstream.url, protocol: '2026-07-28', policy: { default: 'ask' } } });
  });

  afterEach(async () => {
    for (const agent of agents) agent.close();
    await local.close();
    await upstream.stop();
  });

  async function modern(name: string): Promise<ModernPoster> {
    const agent = new Agent({ port: local.port, socket: local.socket, token: await local.agents.issue(name, 'user') }, 'web');
    agents.push(agent);
    return new ModernPoster(agent);
  }

  it('is of no use to another agent, whatever session it names', async () => {
    answer = 'session';
    const trusted = await modern('Trusted');
    assert.equal((await trusted.call('tools/call', { name: 'deploy' })).messages[0]?.error, undefined);
    assert.equal((await trusted.call('tools/call', { name: 'deploy' })).messages[0]?.error, undefined);
    assert.deepEqual(asked, ['Trusted']);
    answer = 'no';
    const other = await modern('Other');
    for (const session of [undefined, 'agent Trusted', '["Trusted",null]', 'Trusted']) {
      const { messages } = await other.call('tools/call', { name: 'deploy' }, session === undefined ? {} : { 'mcp-session-id': session });
      assert.equal((messages[0]?.error as { data?: { kind?: string } } | undefined)?.data?.kind, 'callDeclined', String(session));
    }
  });

  it('holds for the plan under which it was given, with and without a session', async () => {
    answer = 'session';
    const legacy = new Agent({ port: local.port, socket: local.socket, token: await local.agents.issue('Legacy', 'user') }, 'web');
    agents.push(legacy);
    const trusted = await modern('Modern');
    const plan = { url: upstream.url, policy: { default: 'ask' } };
    const both = async (): Promise<void> => {
      assert.equal((await legacy.tool('deploy')).messages[0]?.error, undefined);
      assert.equal((await trusted.call('tools/call', { name: 'deploy' })).messages[0]?.error, undefined);
    };
    await local.servers({ web: plan });
    await legacy.initialize();
    await both();
    await both();
    assert.deepEqual(asked, ['Legacy', 'Modern']);
    // A session outlives a switch of scope: what was said in it does not.
    const { session } = legacy;
    await local.servers({ web: { ...plan, scope: 'production' } });
    await both();
    assert.deepEqual([asked, legacy.session], [['Legacy', 'Modern', 'Legacy', 'Modern'], session]);
    await local.servers({ web: { ...plan, url: `${upstream.url}?elsewhere` } });
    await legacy.initialize();
    await both();
    assert.equal(asked.length, 6);
  });

  it('counts in whatever session an agent claims to be: after three noes nobody is asked', async () => {
    answer = 'no';
    const agent = await modern('Insistent');
    for (let n = 1; n <= 6; n += 1) await agent.call('tools/call', { name: 'deploy' }, { 'mcp-session-id': `made-up-${String(n)}` });
    assert.deepEqual(asked, ['Insistent', 'Insistent', 'Insistent']);
    assert.deepEqual(
      upstream.received.filter(({ message }) => message?.method === 'tools/call'),
      [],
    );
  });
});
