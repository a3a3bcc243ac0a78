import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { canLook, environmentOf, isRunning } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import { Stream } from './support/stream';

describe('a child behind a session', function () {
  this.timeout(120_000);
  let local: LocalProxy;
  let agent: Agent;
  let marker: string;
  let stop: string;

  beforeEach(async () => {
    local = await LocalProxy.start({ TOKEN: newPlainCanary() });
    marker = join(local.folder, 'started');
    stop = join(local.folder, 'stop');
    const [command = '', ...args] = scripted('--lists', '--marker', marker, '--die-if', stop);
    await local.servers({ env: { command, args, secrets: { TOKEN: 'env' } }, brief: { command, args, limits: { idle: '5m' } } });
    agent = new Agent(local, 'env');
    await agent.initialize();
  });

  afterEach(async () => {
    agent.close();
    await local.close();
  });

  const pids = (): number[] => readFileSync(marker, 'utf8').trim().split('\n').map(Number);
  const lastPid = (): number => pids().at(-1) ?? 0;

  async function rotate(): Promise<string> {
    const value = newPlainCanary();
    await local.vault.set('TOKEN', Buffer.from(value), 'user');
    local.proxy.secretsChanged();
    return value;
  }

  async function received(): Promise<{ method: string; params: unknown }[]> {
    return (valueOf(await agent.tool('received')) as string[]).map((line) => JSON.parse(line) as { method: string; params: unknown });
  }

  it('a new value replaces it without a call; it is told what the agent had set, and the agent that lists may have changed', async () => {
    const stream = await Stream.open(agent);
    await agent.call('logging/setLevel', { level: 'debug' });
    await agent.call('logging/setLevel', { level: 'warning' });
    for (const uri of ['test://1', 'test://2', 'test://3']) await agent.call('resources/subscribe', { uri });
    await agent.call('resources/unsubscribe', { uri: 'test://2' });
    const [old = 0] = pids();
    const value = await rotate();
    await until('the end of the old child', () => pids().length === 2 && !isRunning(old));
    if (canLook) assert.equal(environmentOf(lastPid()).TOKEN, value);
    await stream.next('the news', ({ method }) => method === 'notifications/resources/list_changed');
    assert.deepEqual(
      stream.messages.map(({ method }) => method),
      ['notifications/tools/list_changed', 'notifications/resources/list_changed'],
      'of prompts the server had said nothing',
    );
    assert.deepEqual(
      (await received())
        .slice(0, -1)
        .map(({ method, params }) => [method, method.startsWith('n') || method === 'initialize' ? '' : params]),
      [
        ['initialize', ''],
        ['notifications/initialized', ''],
        ['logging/setLevel', { level: 'warning' }],
        ['resources/subscribe', { uri: 'test://1' }],
        ['resources/subscribe', { uri: 'test://3' }],
      ],
    );
    assert.equal(pids().length, 2);
    stream.close();
  });

  it('nothing is opened or started while the vault is locked, or when the plan is not approved any more', async () => {
    const [old = 0] = pids();
    await local.vault.set('TOKEN', Buffer.from(newPlainCanary()), 'user');
    await local.vault.lock('user');
    local.proxy.secretsChanged();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.deepEqual(pids(), [old]);
    await local.vault.unlock('user');
    const [command = '', ...args] = scripted('--marker', marker, '--lists');
    await local.servers({ env: { command, args, secrets: { TOKEN: 'env' } } }, 'env');
    local.proxy.secretsChanged();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.deepEqual(pids(), [old]);
  });

  it('calls under way end with the old one first; then it is replaced, and what it says until then is heard', async () => {
    const stream = await Stream.open(agent);
    const go = join(local.folder, 'go');
    const [old = 0] = pids();
    const waiting = agent.tool('wait', { file: go, name: 'TOKEN' });
    await until('the call at the child', async () => (await agent.tool('received')).body.includes('go'));
    await rotate();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.deepEqual(pids(), [old], 'not while a call is under way');
    writeFileSync(go, '');
    assert.deepEqual(valueOf(await waiting), { pid: old, secret: 'there' });
    await until('another child', () => pids().length === 2 && !isRunning(old));
    stream.close();
  });

  it('two children that ask the agent under the same id each get their own answer', async () => {
    const stream = await Stream.open(agent);
    const first = agent.tool('ask', { method: 'test/first' });
    const one = await stream.next('the first question', ({ method }) => method === 'test/first');
    await rotate();
    // A call that comes now is for the new child, and the old one goes on waiting.
    const second = agent.tool('ask', { method: 'test/second' });
    const two = await stream.next('the second question', ({ method }) => method === 'test/second');
    assert.equal(pids().length, 2);
    assert.notEqual(one.id, two.id);
    await agent.post({ jsonrpc: '2.0', id: two.id, result: { told: 'the second' } });
    await agent.post({ jsonrpc: '2.0', id: one.id, result: { told: 'the first' } });
    assert.deepEqual(valueOf(await first), { told: 'the first' });
    assert.deepEqual(valueOf(await second), { told: 'the second' });
    await until('the end of the old child', () => !isRunning(pids()[0] ?? 0));
    stream.close();
  });

  it('one that dies comes back by itself', async () => {
    process.kill(lastPid(), 'SIGKILL');
    await until('another child', () => pids().length === 2);
    await until('its state', () => local.proxy.status('env').state === 'running');
    assert.deepEqual((await received()).map(({ method }) => method).slice(0, 2), ['initialize', 'notifications/initialized']);
    assert.equal(pids().length, 2);
  });

  it('one that dies again and again is left alone after some tries; its last words are in its state, without secrets', async () => {
    writeFileSync(stop, '');
    process.kill(lastPid(), 'SIGKILL');
    await until('some tries', () => pids().length >= 3);
    await until('its state', () => local.proxy.status('env').said !== undefined);
    const { state, error, said } = local.proxy.status('env');
    assert.equal(state, 'failed');
    assert.match(error ?? '', /ended before it answered \(exit code 3\)/);
    assert.deepEqual(said, ['no, not today']);
    rmSync(stop);
    await until('it works again', async () => (await agent.tool('echo', { text: 'x' })).messages[0]?.result !== undefined);
    assert.equal(local.proxy.status('env').state, 'running');
    assert.equal(local.proxy.status('env').said, undefined);
  });

  it('one that nobody uses ends, and the next call of the session has another', async () => {
    const brief = new Agent(local, 'brief');
    await brief.initialize();
    const first = lastPid();
    local.clock.time += 4 * 60_000;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.ok(isRunning(first));
    local.clock.time += 2 * 60_000;
    await until('its end', () => !isRunning(first));
    assert.notEqual(local.proxy.status('brief').state, 'failed');
    assert.equal(textOf(await brief.tool('echo', { text: 'again' })), 'again');
    assert.notEqual(lastPid(), first);
    assert.ok(isRunning(pids()[0] ?? 0), 'the other server has half an hour');
    brief.close();
  });

  it('one with subscriptions does not end for want of calls', async () => {
    const brief = new Agent(local, 'brief');
    await brief.initialize();
    await brief.call('resources/subscribe', { uri: 'test://1' });
    local.clock.time += 24 * 60 * 60_000;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.ok(isRunning(lastPid()));
    brief.close();
  });

  it('one that hangs is found out before it gets a call, and the call goes to another', async function () {
    if (process.platform === 'win32') this.skip();
    const hung = lastPid();
    process.kill(hung, 'SIGSTOP');
    local.clock.time += 2 * 60_000;
    assert.equal(textOf(await agent.tool('echo', { text: 'to another' })), 'to another');
    assert.equal(pids().length, 2);
    await until('its end', () => !isRunning(hung));
    assert.ok(existsSync(marker));
  });
});
