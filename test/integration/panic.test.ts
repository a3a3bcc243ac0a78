import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { event, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { isRunning } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import type { Serving } from './support/serving';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

/** What an agent is told. */
function assertLocked(answer: Answer): void {
  const error = answer.messages.at(-1)?.error;
  assert.equal(error?.data?.kind, 'locked', answer.body);
  assert.match(error.message, /The vault is locked\. Unlock it/);
}

describe('the vault is locked while agents work', function () {
  this.timeout(60_000);
  let local: LocalProxy;
  let upstream: ScriptedUpstream;
  let marker: string;
  let agents: Agent[];
  let asked: string[];

  beforeEach(async () => {
    agents = [];
    asked = [];
    upstream = await ScriptedUpstream.start();
    local = await LocalProxy.start(
      { TOKEN: newPlainCanary() },
      { approver: { ask: ({ name }) => (asked.push(name), new Promise(() => undefined)) } },
    );
    marker = join(local.folder, 'started');
    const [command = '', ...args] = scripted('--marker', marker, '--stubborn');
    const secrets = { TOKEN: 'bearer' };
    await local.servers(
      {
        web: { url: upstream.url, secrets },
        plain: { url: upstream.url },
        child: { command, args, secrets: { TOKEN: 'env' } },
        fn: { type: 'function', url: `${upstream.origin}/fn`, secrets, tools: [{ name: 'do' }] },
        unapproved: { url: upstream.url },
      },
      'unapproved',
    );
  });

  afterEach(async () => {
    for (const agent of agents) agent.close();
    await local.close();
    await upstream.stop();
  });

  function agentOf(server: string): Agent {
    const agent = new Agent(local, server);
    agents.push(agent);
    return agent;
  }

  async function pidOf(agent: Agent): Promise<number> {
    return (valueOf(await agent.tool('env')) as OwnEnvironment).pid;
  }

  const children = (): number[] => readFileSync(marker, 'utf8').trim().split('\n').map(Number);
  const hang = (method: string): void => {
    upstream.script = ({ message, path }) => message?.method === method || path === '/fn';
  };

  describe('in a hurry (panic)', () => {
    /** Everything that can be open at one time. None of it would ever end by itself. */
    async function openEverything(): Promise<{ calls: Promise<Answer>[]; streams: Stream[]; running: number[]; web: Agent; child: Agent }> {
      const [web, child] = [agentOf('web'), agentOf('child')];
      await web.initialize();
      await child.initialize();
      const grandchild = Number(textOf(await child.tool('spawn', { stubborn: 'yes' })));
      const streams = [await Stream.open(web), await Stream.open(child)];
      await until('the stream at the server', () => upstream.streams.size === 1);
      hang('tools/call');
      const calls = [
        web.tool('do'),
        agentOf('plain').tool('do'),
        agentOf('fn').tool('do'),
        child.tool('hang'),
        agentOf('unapproved').tool('do'),
      ];
      await until(
        'the calls at the server',
        () => upstream.of('tools/call').length === 2 && upstream.received.some(({ path }) => path === '/fn'),
      );
      await until('the call at the child', async () => (await child.tool('received')).body.includes('hang'));
      await until('the question', () => asked.length === 1);
      return { calls, streams, running: [...children(), grandchild], web, child };
    }

    it('every open call, stream, child and upstream request ends at once, hung as they may be', async () => {
      const { calls, streams, running } = await openEverything();
      const ended = streams.map(({ response }) => new Promise((resolve) => response.once('end', resolve)));
      assert.ok(running.every(isRunning));
      const sent = upstream.received.length;
      await local.vault.lock('user', 'panic');
      await local.proxy.panic();
      for (const answer of await Promise.all(calls)) assertLocked(answer);
      await Promise.all(ended);
      await until('the end of the children', () => !running.some(isRunning));
      await until('the end of the stream at the server', () => upstream.streams.size === 0);
      await until('the end of the requests that hung', async () => (await upstream.openConnections()) === 0);
      assert.equal(upstream.received.length, sent, 'nothing was sent any more, no farewell either');
      const open = local.audit.entries.filter(({ errorKind }) => errorKind === 'locked');
      assert.deepEqual(open.map(({ server, outcome }) => `${server ?? ''} ${outcome}`).sort(), [
        'child error',
        'fn error',
        'plain error',
        'unapproved error',
        'web error',
      ]);
      assert.deepEqual(
        local.audit.entries.filter(({ action }) => action === 'vault.panic' || action === 'agent.revoke').map(({ action }) => action),
        ['vault.panic', 'agent.revoke'],
      );
      for (const server of ['web', 'child', 'fn']) assert.deepEqual(local.proxy.status(server), { state: 'idle', sessions: 0 });
    });

    it('a stream of events that answers a call ends with the error', async () => {
      const web = agentOf('web');
      await web.initialize();
      upstream.script = ({ message }, response) => {
        if (message?.method !== 'tools/call') return false;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'first' } }));
        return true;
      };
      const call = { jsonrpc: '2.0', id: 'the-call', method: 'tools/call', params: { name: 'do' } };
      const response: IncomingMessage = await web.open('POST', JSON.stringify(call));
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const ended = new Promise((resolve) => response.once('end', resolve));
      await until('the first event', () => text.includes('first'));
      await local.vault.lock('user', 'panic');
      await local.proxy.panic();
      await ended;
      assert.match(text, /"id":"the-call","error":\{.*"kind":"locked"/);
    });

    it('a child that is being ended in good order is killed, too', async () => {
      const child = agentOf('child');
      await child.initialize();
      const pid = await pidOf(child);
      // It is deaf to the end of its input.
      const deleted = child.send('DELETE');
      await until('the end of the session', () => local.proxy.status('child').sessions === 0);
      assert.ok(isRunning(pid));
      await local.vault.lock('user', 'panic');
      await local.proxy.panic();
      await until('the end of the child', () => !isRunning(pid));
      assert.equal((await deleted).status, 204);
    });

    it('nobody gets in until it is unlocked, and then only with a new token', async () => {
      const { calls, web, child } = await openEverything();
      await local.vault.lock('user', 'panic');
      await local.proxy.panic();
      await Promise.all(calls);
      const started = children().length;
      const sent = upstream.received.length;
      for (const agent of [web, child]) assert.equal((await agent.tool('do')).status, 401);

      await local.renewToken();
      for (const server of ['web', 'plain', 'child', 'fn', 'unapproved', 'nobody']) {
        const agent = agentOf(server);
        assertLocked(await agent.initialize());
        assertLocked(await agent.tool('do'));
        assertLocked(await agent.send('GET'));
        assertLocked(await agent.post({ jsonrpc: '2.0', method: 'notifications/initialized' }));
      }
      assert.deepEqual([children().length, upstream.received.length], [started, sent], 'nothing was started or contacted');
      assert.equal((await agentOf('web').send('GET', undefined, {}, '/health')).status, 200, 'it still listens');

      await local.vault.unlock('user');
      upstream.reset();
      for (const agent of [web, child]) assert.equal((await agent.tool('do')).status, 401, 'the old token stays revoked');
      const again = agentOf('child');
      again.session = child.session;
      assert.equal((await again.tool('env')).status, 404, 'the old session is forgotten');
      again.session = undefined;
      await again.initialize();
      assert.ok(isRunning(await pidOf(again)));
      const webAgain = agentOf('web');
      await webAgain.initialize();
      assert.equal(textOf(await webAgain.tool('do')), 'done');
    });

    it('also ends everything when the tokens cannot be revoked, and says so', async () => {
      const { calls, running } = await openEverything();
      await local.vault.lock('user', 'panic');
      local.tokens.failing = true;
      await assert.rejects(local.proxy.panic(), { kind: 'storeFailed' });
      local.tokens.failing = false;
      for (const answer of await Promise.all(calls)) assertLocked(answer);
      await until('the end of the children', () => !running.some(isRunning));
    });
  });

  describe('in good order', () => {
    it('sessions, children and streams end; what is at an HTTP server may finish; the same token works after unlock', async () => {
      const [web, child] = [agentOf('web'), agentOf('child')];
      await web.initialize();
      await child.initialize();
      const pid = await pidOf(child);
      const streams = [await Stream.open(web), await Stream.open(child)];
      const ended = streams.map(({ response }) => new Promise((resolve) => response.once('end', resolve)));
      await until('the stream at the server', () => upstream.streams.size === 1);
      let finish = (): void => undefined;
      upstream.script = ({ message }, response) => {
        if (message?.method !== 'tools/call') return false;
        finish = () =>
          void response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text: 'finished' }] } }));
        return true;
      };
      const [finishing, hanging] = [web.tool('do'), child.tool('hang')];
      await until('the call at the server', () => upstream.of('tools/call').length === 1);
      await until('the call at the child', async () => (await child.tool('received')).body.includes('hang'));

      await local.vault.lock('user');
      const closing = local.proxy.closeSessions();
      assertLocked(await hanging);
      await Promise.all(ended);
      await closing;
      assert.ok(!isRunning(pid));
      assert.deepEqual(local.proxy.status('child'), { state: 'idle', sessions: 0 });
      await until('the end of the stream at the server', () => upstream.streams.size === 0);
      finish();
      assert.equal(textOf(await finishing), 'finished');
      for (const server of ['web', 'plain', 'child', 'fn']) assertLocked(await agentOf(server).tool('do'));

      await local.vault.unlock('user');
      assert.equal((await child.tool('env')).status, 404);
      const again = agentOf('child');
      await again.initialize();
      assert.ok(isRunning(await pidOf(again)));
    });
  });
});

describe('the vault is locked by another process while mcp-secrets serve runs', function () {
  this.timeout(60_000);
  let place: Workplace;

  beforeEach(async () => {
    place = new Workplace();
    await place.secret('TOKEN', newPlainCanary());
    await place.addStdio('child', scripted('--in', place.root, '--stubborn'), 'TOKEN');
  });

  afterEach(() => place.close());

  async function hangingCall(): Promise<{ agent: Agent; pid: number; call: Promise<Answer>; serving: Serving }> {
    const serving = await place.serve();
    const agent = new Agent(serving, 'child');
    await agent.initialize();
    const { pid } = valueOf(await agent.tool('env')) as OwnEnvironment;
    const call = agent.tool('hang');
    await until('the call at the child', async () => (await agent.tool('received')).body.includes('hang'));
    return { agent, pid, call, serving };
  }

  it('lock: what runs ends without anybody calling; the token works again after unlock', async () => {
    const { agent, pid, call } = await hangingCall();
    await place.ok(['lock']);
    assertLocked(await call);
    await until('the end of the child', () => !isRunning(pid));
    assertLocked(await agent.tool('env'));
    await place.ok(['unlock']);
    agent.session = undefined;
    await agent.initialize();
    assert.equal(textOf(await agent.tool('echo', { text: 'again' })), 'again');
    agent.close();
  });

  it('panic: the children are killed, the token is void for good, and it goes on listening', async () => {
    const { agent, pid, call } = await hangingCall();
    await place.ok(['panic']);
    assertLocked(await call);
    await until('the end of the child', () => !isRunning(pid));
    for (const state of ['locked', 'unlocked']) {
      const answer = await agent.tool('env');
      assert.deepEqual([answer.status, answer.messages[0]?.error?.data?.kind], [401, 'tokenWrong'], state);
      if (state === 'locked') await place.ok(['unlock']);
    }
    assert.equal((await agent.send('GET', undefined, {}, '/health')).status, 200);
    agent.close();
    const [revoked] = await place.audited(1, ({ action }) => action === 'agent.revoke');
    assert.deepEqual([revoked?.actor, revoked?.agent], ['product', undefined]);
    const [ended] = await place.audited(1, ({ tool }) => tool === 'hang');
    assert.deepEqual([ended?.outcome, ended?.errorKind], ['error', 'locked']);
  });

  it('a proxy that is started while the vault is in a panic keeps its token for after the unlock', async () => {
    await place.ok(['panic']);
    const serving = await place.serve();
    const agent = new Agent(serving, 'child');
    assertLocked(await agent.initialize());
    await place.ok(['unlock']);
    await agent.initialize();
    assert.equal(textOf(await agent.tool('echo', { text: 'hello' })), 'hello');
    agent.close();
  });
});
