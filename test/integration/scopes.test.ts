import assert from 'node:assert/strict';
import { ScriptedUpstream, answerTo, json, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { environmentOf, isRunning, processesOf } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

describe('a server is switched to another scope while agents use it', function () {
  this.timeout(60_000);
  const values = { workspace: newPlainCanary(), personal: newPlainCanary(), job: newPlainCanary() };
  type Scope = keyof typeof values;
  let local: LocalProxy;
  let upstream: ScriptedUpstream;
  let agents: Agent[];

  before(async () => {
    upstream = await ScriptedUpstream.start();
    local = await LocalProxy.start({ TOKEN: values.workspace }, { outboundGuard: () => 'off' });
    for (const scope of ['personal', 'job'] as const) await local.vault.set('TOKEN', Buffer.from(values[scope]), 'user', scope);
  });

  beforeEach(async () => {
    agents = [];
    upstream.reset();
    local.audit.entries.length = 0;
    await use('workspace');
  });

  afterEach(async () => {
    for (const agent of agents) {
      await agent.send('DELETE');
      agent.close();
    }
  });

  after(async () => {
    await local.close();
    await upstream.stop();
  });

  /** Writes the servers file anew; approves all of it unless told otherwise. */
  async function use(scope: string, approve = true): Promise<void> {
    const [command = '', ...args] = scripted('--in', local.folder);
    const servers = {
      web: { url: upstream.url, secrets: { TOKEN: 'bearer' }, scope },
      child: { command, args, secrets: { TOKEN: 'env' }, scope },
      body: { command, args, secrets: { TOKEN: 'body' }, scope },
      fn: { type: 'function', url: `${upstream.origin}/fn`, secrets: { TOKEN: 'body' }, tools: [{ name: 'do' }], scope },
    };
    await local.servers(servers, ...(approve ? [] : Object.keys(servers)));
  }

  async function agentOf(server: string): Promise<Agent> {
    const agent = new Agent(local, server);
    agents.push(agent);
    await agent.initialize();
    return agent;
  }

  const bearer = (): string | undefined => upstream.last('tools/call').headers.authorization;
  const pidOf = async (agent: Agent): Promise<number> => (valueOf(await agent.tool('env')) as OwnEnvironment).pid;

  /** Processes end while one looks at them. */
  function tokenOf(pid: number): string | undefined {
    try {
      return environmentOf(pid).TOKEN;
    } catch {
      return undefined;
    }
  }

  it('an http session goes on with the values of the other scope, at the next call, there and back', async () => {
    const web = await agentOf('web');
    for (const scope of ['workspace', 'job', 'personal', 'workspace'] satisfies Scope[]) {
      await use(scope);
      assert.equal(textOf(await web.tool('do')), 'done');
      assert.equal(bearer(), `Bearer ${values[scope]}`);
    }
    assert.equal(upstream.of('initialize').length, 1, 'the session is the same all the time');
    await use('job');
    await web.tool('do');
    await web.send('DELETE');
    const farewell = upstream.received.findLast(({ method }) => method === 'DELETE');
    assert.equal(farewell?.headers.authorization, `Bearer ${values.job}`, 'the scope that it had last');
  });

  it('a child is replaced at the next call of the same session; the agent does not notice', async () => {
    const child = await agentOf('child');
    const stream = await Stream.open(child);
    const before = await pidOf(child);
    assert.equal(environmentOf(before).TOKEN, values.workspace);
    await use('job');
    const after = await pidOf(child);
    assert.notEqual(after, before);
    assert.equal(environmentOf(after).TOKEN, values.job);
    await until('the end of the old child', () => !isRunning(before));
    assert.equal(await pidOf(child), after, 'and stays');
    assert.deepEqual(stream.messages, []);
    stream.close();
  });

  it('many calls at once after a switch share one child with the value of the new scope', async () => {
    const child = await agentOf('child');
    await use('personal');
    const pids = new Set(await Promise.all(Array.from({ length: 8 }, () => pidOf(child))));
    assert.equal(pids.size, 1);
    for (const pid of pids) assert.equal(environmentOf(pid).TOKEN, values.personal);
  });

  it('a switch while the child starts: it is not used with the value of the scope before', async () => {
    const child = await agentOf('child');
    await use('job');
    const first = child.tool('env');
    await until('the child with the first value', () => processesOf(local.folder).some(({ pid }) => tokenOf(pid) === values.job));
    await use('personal');
    const [, pid] = await Promise.all([first, pidOf(child)]);
    assert.equal(environmentOf(pid).TOKEN, values.personal);
  });

  it('a new value in another scope does not disturb a child', async () => {
    const child = await agentOf('child');
    const before = await pidOf(child);
    await local.vault.set('TOKEN', Buffer.from(values.personal), 'user', 'personal');
    assert.equal(await pidOf(child), before);
    await use('personal');
    const after = await pidOf(child);
    values.personal = newPlainCanary();
    await local.vault.set('TOKEN', Buffer.from(values.personal), 'user', 'personal');
    const last = await pidOf(child);
    assert.notEqual(last, after);
    assert.equal(environmentOf(last).TOKEN, values.personal);
  });

  it('in the body of a call: a child and a function get the other value', async () => {
    const [body, fn] = [await agentOf('body'), await agentOf('fn')];
    for (const scope of ['workspace', 'job'] satisfies Scope[]) {
      await use(scope);
      upstream.script = ({ path }, response) => path === '/fn' && json(response, { ok: true });
      await fn.tool('do');
      assert.equal((JSON.parse(upstream.received.at(-1)?.body ?? '') as { secrets: { TOKEN: string } }).secrets.TOKEN, values[scope]);
      const answer = await body.tool('echo', { text: values[scope] });
      assert.equal(textOf(answer), '[redacted:TOKEN]', 'it was given this value');
    }
  });

  it('values of a former scope are taken out of what the server says for as long as the session lasts', async () => {
    const web = await agentOf('web');
    await web.tool('do');
    await use('job');
    upstream.script = ({ message }, response) =>
      message?.method === 'tools/call' && json(response, answerTo(message, textResult(`${values.workspace} ${values.job}`)));
    assert.equal(textOf(await web.tool('do')), '[redacted:TOKEN] [redacted:TOKEN]');
  });

  it('a switch that nobody has approved is refused, and the session waits for the approval', async () => {
    const [web, child] = [await agentOf('web'), await agentOf('child')];
    const pid = await pidOf(child);
    const asked = upstream.received.length;
    await use('job', false);
    for (const agent of [web, child]) assert.equal((await agent.tool('env')).messages[0]?.error?.data?.kind, 'serverUnapproved');
    assert.equal(upstream.received.length, asked);
    assert.ok(isRunning(pid));
    await use('job');
    await web.tool('do');
    assert.equal(bearer(), `Bearer ${values.job}`);
    assert.equal(environmentOf(await pidOf(child)).TOKEN, values.job);
  });

  it('a secret that is not in the scope is not taken from another one', async () => {
    const web = await agentOf('web');
    const asked = upstream.received.length;
    await use('empty');
    const error = (await web.tool('do')).messages[0]?.error;
    assert.equal(error?.data?.kind, 'secretMissing');
    assert.match(
      error.message,
      /TOKEN, bound to server "web", does not exist in the scope "empty"\..*"mcp-secrets secret set TOKEN --scope empty"/,
    );
    assert.equal(upstream.received.length, asked);
    assert.equal(local.proxy.status('web').state, 'failed');
    await local.vault.set('TOKEN', Buffer.from(newPlainCanary()), 'user', 'empty');
    local.proxy.secretsChanged();
    assert.equal(local.proxy.status('web').state, 'running');
    await web.tool('do');
    await local.vault.deleteScope('empty', 'user');
  });

  it('the record names scope, versions and request', async () => {
    const web = await agentOf('web');
    await use('job');
    await web.post({ jsonrpc: '2.0', id: 'call-7', method: 'tools/call', params: { name: 'do' } });
    await use('workspace');
    await web.tool('do');
    const calls = local.audit.entries.filter(({ action }) => action === 'call');
    assert.deepEqual(
      calls.map(({ scope, secrets, versions, requestId }) => ({ scope, secrets, versions, requestId })),
      [
        { scope: 'job', secrets: ['TOKEN'], versions: { TOKEN: 1 }, requestId: 'call-7' },
        { scope: undefined, secrets: ['TOKEN'], versions: { TOKEN: 1 }, requestId: '102' },
      ],
    );
  });
});

describe('a new value while an http session is open', function () {
  this.timeout(60_000);
  let local: LocalProxy;
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    local = await LocalProxy.start({ TOKEN: newPlainCanary() });
    await local.servers({ web: { url: upstream.url, secrets: { TOKEN: 'bearer' } } });
  });

  after(async () => {
    await local.close();
    await upstream.stop();
  });

  it('the former ones are taken out, too, of JSON replies and of streams', async () => {
    const agent = new Agent(local, 'web');
    await agent.initialize();
    const given: string[] = [];
    for (const form of ['json', 'events', 'json', 'events'] as const) {
      const value = newPlainCanary();
      given.push(value);
      await local.vault.set('TOKEN', Buffer.from(value), 'user');
      upstream.script = ({ message }, response) => {
        if (message?.method !== 'tools/call') return false;
        const answer = answerTo(message, textResult(given.join(' ')));
        if (form === 'json') return json(response, answer);
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(answer)}\n\n`);
        return true;
      };
      assert.equal(textOf(await agent.tool('do')), given.map(() => '[redacted:TOKEN]').join(' '), form);
    }
    await agent.send('DELETE');
    agent.close();
  });
});

describe('mcp-secrets server scope, while mcp-secrets serve runs', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  it('open sessions use the values of the other scope at the next call, also those of the user', async () => {
    const values = { workspace: newPlainCanary(), job: newPlainCanary(), user: newPlainCanary() };
    for (const [scope, value] of Object.entries(values)) await place.secret('TOKEN', value, '--scope', scope);
    await place.addHttp('web', upstream.url, 'TOKEN=bearer');
    await place.addStdio('child', scripted('--in', place.root), 'TOKEN');
    const serving = await place.serve();
    const [web, child] = [new Agent(serving, 'web'), new Agent(serving, 'child')];
    await web.initialize();
    await child.initialize();
    for (const scope of ['workspace', 'job', 'user', 'workspace'] as const) {
      for (const server of ['web', 'child']) await place.ok(['server', 'scope', server, scope]);
      assert.equal(textOf(await web.tool('do')), 'done');
      assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${values[scope]}`);
      assert.equal(environmentOf((valueOf(await child.tool('env')) as OwnEnvironment).pid).TOKEN, values[scope]);
    }
    for (const agent of [web, child]) agent.close();
    const calls = await place.audited(8, ({ action }) => action === 'call');
    assert.deepEqual(
      calls.filter(({ server }) => server === 'web').map(({ scope }) => scope),
      [undefined, 'job', 'user', undefined],
    );
  });
});
