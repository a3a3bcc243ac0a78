import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from './support/agent';
import { newCanary } from './support/canaries';
import { until } from './support/eventually';
import { canLook, environmentOf, isRunning } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import type { Serving } from './support/serving';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

describe('a new value for a running stdio server', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let current: string;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    await rotate();
    await place.addStdio('env', scripted(), 'TOKEN');
    await place.addStdio('body', scripted(), 'TOKEN=body');
    // The agent sends values here, to see them taken out of the answers.
    serving = await place.serve(['--outbound-guard', 'off']);
  });

  beforeEach(async () => {
    agent = new Agent(serving, 'env');
    await agent.initialize({ roots: {} });
  });

  afterEach(async () => {
    await agent.send('DELETE');
    agent.close();
  });

  after(() => place.close());

  async function rotate(): Promise<void> {
    current = newCanary();
    await place.secret('TOKEN', current);
  }

  async function pidOf(who: Agent): Promise<number> {
    return (valueOf(await who.tool('env')) as OwnEnvironment).pid;
  }

  it('has it by the next call of the same session, in another child; the old one is gone', async () => {
    const before = await pidOf(agent);
    assert.equal(await pidOf(agent), before, 'without a change the child stays');
    await rotate();
    const after = await pidOf(agent);
    assert.notEqual(after, before);
    if (canLook) assert.equal(environmentOf(after).TOKEN, current);
    await until('the end of the old child', () => !isRunning(before));
  });

  it('has it also when the secret was deleted and set again, which counts its versions anew', async () => {
    await place.ok(['secret', 'delete', 'TOKEN']);
    await rotate();
    const before = await pidOf(agent);
    await place.ok(['secret', 'delete', 'TOKEN']);
    await rotate();
    const after = await pidOf(agent);
    assert.notEqual(after, before);
    if (canLook) assert.equal(environmentOf(after).TOKEN, current);
  });

  it('the handshake is repeated with the new child, and the agent does not notice', async () => {
    const stream = await Stream.open(agent);
    await agent.tool('echo', { text: 'before' });
    await rotate();
    assert.equal(textOf(await agent.tool('echo', { text: 'after' })), 'after');
    const received = (valueOf(await agent.tool('received')) as string[]).map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      received.map(({ method }) => method),
      ['initialize', 'notifications/initialized', 'tools/call', 'tools/call'],
    );
    assert.deepEqual((received[0]?.params as Record<string, unknown>).capabilities, { roots: {} });
    assert.deepEqual(stream.messages, []);
    stream.close();
  });

  it('calls under way end with the old child, which goes then', async () => {
    const file = join(place.workspace, 'go-on');
    const old = await pidOf(agent);
    const waiting = agent.tool('wait', { file, name: 'TOKEN' });
    await until('the call at the child', async () => (await agent.tool('received')).body.includes('go-on'));
    await rotate();
    const next = await pidOf(agent);
    assert.notEqual(next, old);
    assert.ok(isRunning(old), 'it still works on the call');
    writeFileSync(file, '');
    assert.deepEqual(valueOf(await waiting), { pid: old, secret: 'there' });
    await until('the end of the old child', () => !isRunning(old));
    assert.equal(await pidOf(agent), next);
  });

  it('a call under way on the old child can be cancelled there', async () => {
    const old = await pidOf(agent);
    const hanging = agent.post({ jsonrpc: '2.0', id: 'h', method: 'tools/call', params: { name: 'hang' } });
    await until('the call at the child', async () => (await agent.tool('received')).body.includes('hang'));
    await rotate();
    await pidOf(agent);
    assert.equal((await agent.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'h' } })).status, 202);
    assert.deepEqual((await hanging).messages, []);
    await until('the end of the old child', () => !isRunning(old));
  });

  it('many calls at once after a change share one new child', async () => {
    await rotate();
    const pids = await Promise.all(Array.from({ length: 8 }, () => pidOf(agent)));
    assert.equal(new Set(pids).size, 1);
  });

  it('mode body: the next call carries it, to the same child', async () => {
    const body = new Agent(serving, 'body');
    await body.initialize();
    const before = await pidOf(body);
    const old = current;
    await rotate();
    const params = valueOf(await body.tool('params')) as { _meta: Record<string, unknown> };
    assert.deepEqual(params._meta, { 'mcp-secrets/secrets': { TOKEN: '[redacted:TOKEN]' } });
    assert.equal(await pidOf(body), before);
    assert.equal(textOf(await body.tool('echo', { text: `${old} ${current}` })), '[redacted:TOKEN] [redacted:TOKEN]');
    await body.send('DELETE');
    body.close();
  });

  it('a secret that is deleted stops the calls, until it is back', async () => {
    await agent.tool('echo', { text: 'x' });
    await place.ok(['secret', 'delete', 'TOKEN']);
    const refused = await agent.tool('echo', { text: 'x' });
    assert.equal(refused.messages[0]?.error?.data?.kind, 'secretMissing');
    assert.match(refused.messages[0].error.message, /TOKEN.*"mcp-secrets secret set TOKEN"/);
    await rotate();
    assert.equal(textOf(await agent.tool('echo', { text: 'again' })), 'again');
  });
});
