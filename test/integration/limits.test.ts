import assert from 'node:assert/strict';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { ModernPoster } from './support/modernPoster';
import { scripted, textOf } from './support/scripted';
import { Stream } from './support/stream';

/** Its one tool takes `seconds` and says all the while how far it is, if anybody wants to know. Reads its input after `first` ms, with its next starts after `again` ms. */
const steady = (first: number, again: number): string => `
  const { existsSync, writeFileSync } = require('node:fs');
  const [, started] = process.argv;
  const delay = existsSync(started) ? ${String(again)} : ${String(first)};
  writeFileSync(started, '');
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  const work = (id, { arguments: { seconds }, _meta: { progressToken } = {} }) => {
    const progress = () => say({ method: 'notifications/progress', params: { progressToken, progress: performance.now() } });
    const timer = progressToken === undefined ? undefined : setInterval(progress, 100);
    setTimeout(() => {
      clearInterval(timer);
      say({ id, result: { content: [{ type: 'text', text: 'worked' }] } });
    }, seconds * 1000);
  };
  setTimeout(() => require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) return;
    if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } });
    else if (method !== 'tools/call') say({ id, error: { code: -32601, message: 'Method not found' } });
    else if (params.name === 'exit') process.exit(7);
    else work(id, params);
  }).on('close', () => process.exit(0)), delay);`;

const kindOf = ({ messages }: Answer): string | undefined => messages.at(-1)?.error?.data?.kind;

describe('limits of servers', function () {
  this.timeout(60_000);
  let local: LocalProxy;
  let upstream: ScriptedUpstream;
  let agents: Agent[];

  beforeEach(async () => {
    agents = [];
    upstream = await ScriptedUpstream.start();
    local = await LocalProxy.start({});
  });

  afterEach(async () => {
    for (const agent of agents) agent.close();
    await local.close();
    await upstream.stop();
  });

  /** A session with a server that has these limits. */
  async function session(type: 'http' | 'stdio', limits: object): Promise<Agent> {
    const [command, ...args] = scripted();
    await local.servers({ s: type === 'http' ? { url: upstream.url, limits } : { command, args, limits } });
    const agent = new Agent(local, 's');
    agents.push(agent);
    await agent.initialize();
    return agent;
  }

  const onCall = (script: Script): void => {
    upstream.script = (request, response) => request.message?.method === 'tools/call' && script(request, response) === true;
  };

  /** Says every so often that it goes on, and never ends. */
  const endless: Script = ({ message }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const { progressToken } = (message?.params?._meta ?? {}) as { progressToken?: unknown };
    const timer = setInterval(() => {
      response.write(event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } }));
    }, 100);
    response.on('close', () => {
      clearInterval(timer);
    });
    return true;
  };

  it('callTimeout: silence of one server, whatever the setting', async () => {
    const http = await session('http', { callTimeout: '1s' });
    onCall(() => true);
    const answer = await http.tool('x');
    assert.match(answer.messages[0]?.error?.message ?? '', /sent nothing for 1 seconds/);
    const stdio = await session('stdio', { callTimeout: '1s', startTimeout: '30s' });
    assert.equal(kindOf(await stdio.tool('hang')), 'upstreamTimeout');
  });

  it('maxCallTime: a call with any number of signs of life ends there', async () => {
    const http = await session('http', { callTimeout: '4s', maxCallTime: '9s' });
    onCall(endless);
    const answer = await http.call('tools/call', { name: 'x', _meta: { progressToken: 7 } });
    assert.equal(kindOf(answer), 'callTooLong');
    assert.ok(answer.messages.length > 42, 'progress came for longer than the server may be silent');
    assert.match(answer.messages.at(-1)?.error?.message ?? '', /took longer than 9 seconds.*raise "maxCallTime"/);
  });

  it('maxCallTime counts while the agent is asked something, too; callTimeout does not', async () => {
    const agent = await session('stdio', { callTimeout: '3s', startTimeout: '30s', maxCallTime: '7s' });
    const stream = await Stream.open(agent);
    const asking = agent.tool('ask', { method: 'test/ask' });
    await stream.next('the question', ({ method }) => method === 'test/ask');
    assert.equal(kindOf(await asking), 'callTooLong');
    stream.close();
  });

  describe('that are children', () => {
    type Call = (seconds: number, progressToken?: string) => Promise<Answer>;

    /** Connects each kind of agent to a server with these limits. */
    const kinds: Readonly<Record<string, (limits: object) => Promise<Call>>> = {
      'an agent with a session': async (limits) => {
        const agent = await working(limits);
        await agent.initialize();
        return (seconds, progressToken) => agent.call('tools/call', work(seconds, progressToken));
      },
      'an agent of 2026-07-28': async (limits) => {
        const poster = new ModernPoster(await working(limits));
        await poster.call('tools/list', {});
        return (seconds, progressToken) => poster.call('tools/call', work(seconds, progressToken));
      },
    };

    const work = (seconds: number, progressToken?: string): object => ({
      name: 'work',
      arguments: { seconds },
      ...(progressToken === undefined ? {} : { _meta: { progressToken } }),
    });

    async function working(limits: object, first = 0, again = first): Promise<Agent> {
      const args = ['-e', steady(first, again), join(local.folder, 'started')];
      await local.servers({ s: { command: process.execPath, args, limits: { startTimeout: '30s', ...limits } } });
      const agent = new Agent(local, 's');
      agents.push(agent);
      return agent;
    }

    for (const [kind, begin] of Object.entries(kinds)) {
      it(`callTimeout: progress is a sign of life of its own call, and of no other one (${kind})`, async () => {
        const call = await begin({ callTimeout: '3s' });
        const [told, silent] = await Promise.all([call(7, 'told'), call(7)]);
        assert.equal(textOf(told), 'worked');
        const progress = told.messages.filter(({ method }) => method === 'notifications/progress');
        assert.ok(progress.length > 5, told.body);
        assert.deepEqual(new Set(progress.map(({ params }) => params?.progressToken)), new Set(['told']));
        assert.equal(kindOf(silent), 'upstreamTimeout');
        assert.equal(textOf(await call(0)), 'worked', 'the session goes on');
      });

      it(`maxCallTime: the call ends there all the same (${kind})`, async () => {
        const call = await begin({ callTimeout: '3s', maxCallTime: '7s' });
        const answer = await call(30, 'told');
        assert.equal(kindOf(answer), 'callTooLong');
        assert.match(answer.messages.at(-1)?.error?.message ?? '', /took longer than 7 seconds/);
        assert.equal(textOf(await call(0)), 'worked', 'the session goes on');
      });
    }

    it('startTimeout: what takes long to start has longer for that than for a call, also when it starts again', async () => {
      const agent = await working({ callTimeout: '3s' }, 5_000);
      assert.notEqual((await agent.initialize()).messages[0]?.result, undefined);
      assert.equal(kindOf(await agent.call('tools/call', { name: 'exit' })), 'childExited');
      assert.equal(textOf(await agent.call('tools/call', work(0))), 'worked');
      assert.equal(kindOf(await agent.call('tools/call', work(30))), 'upstreamTimeout');
    });

    it('startTimeout: what does not start within it is given up, however long a call may take', async () => {
      const agent = await working({ startTimeout: '1s', callTimeout: '1h' }, 600_000);
      assertLate(await agent.initialize(), 1);
    });

    it('startTimeout: so is what does not start again', async () => {
      const agent = await working({ startTimeout: '4s', callTimeout: '1h' }, 0, 600_000);
      await agent.initialize();
      assert.equal(kindOf(await agent.call('tools/call', { name: 'exit' })), 'childExited');
      assertLate(await agent.call('tools/call', work(0)), 4);
    });

    function assertLate(answer: Answer, seconds: number): void {
      assert.equal(kindOf(answer), 'upstreamTimeout', answer.body);
      assert.ok(answer.body.includes(`sent nothing for ${String(seconds)} seconds`), answer.body);
    }
  });

  it('requestSize: a larger message is not sent', async () => {
    const agent = await session('http', { requestSize: '1KB' });
    assert.equal(textOf(await agent.tool('x', { text: 'y'.repeat(500) })), 'done');
    assert.equal(kindOf(await agent.tool('x', { text: 'y'.repeat(1024) })), 'bodyTooLarge');
    assert.equal(upstream.of('tools/call').length, 1);
  });

  it('replySize: a larger answer is broken off, over every transport', async () => {
    const large = 'y'.repeat(5_000);
    const http = await session('http', { replySize: '4KB' });
    onCall(({ message }, response) => json(response, answerTo(message, textResult(large))));
    assert.equal(kindOf(await http.tool('x')), 'upstreamTooLarge');
    onCall(({ message }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event(answerTo(message, textResult(large))));
      return true;
    });
    assert.equal(kindOf(await http.tool('x')), 'upstreamTooLarge');
    const packed: Script = ({ message }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify(answerTo(message, textResult(large)))));
      return true;
    };
    onCall(packed);
    assert.equal(kindOf(await http.tool('x')), 'upstreamTooLarge', 'what counts is what it unpacks to');
    const stdio = await session('stdio', { replySize: '4KB' });
    assert.equal(kindOf(await stdio.tool('echo', { text: large })), 'upstreamTooLarge');
    assert.equal(textOf(await stdio.tool('echo', { text: 'small' })), 'small');
  });

  it('a small body that unpacks to a large one is broken off early, within any size', async () => {
    const agent = await session('http', {});
    const bomb = gzipSync(Buffer.alloc(60 * 1024 * 1024, ' '));
    onCall((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(bomb);
      return true;
    });
    const answer = await agent.tool('x');
    assert.equal(kindOf(answer), 'upstreamNonsense');
    assert.match(answer.messages[0]?.error?.message ?? '', /unpacks to far more than was sent/);
    const ordinary = JSON.stringify(textResult('{"name":"value","other":[1,2,3]},'.repeat(200_000)));
    onCall(({ message }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(`{"jsonrpc":"2.0","id":${String(message?.id)},"result":${ordinary}}`));
      return true;
    });
    const { messages } = await agent.tool('x');
    assert.equal(messages[0]?.error?.data?.kind, ordinary.length > 200 * gzipSync(ordinary).length ? 'upstreamNonsense' : undefined);
  });

  it('concurrency and queue: others wait for their turn, or are refused; every end gives the place back', async () => {
    const agent = await session('http', { concurrency: 2, queue: 1 });
    const held: (() => void)[] = [];
    onCall(({ message }, response) => {
      held.push(() => json(response, answerTo(message, textResult('done'))));
      return true;
    });
    const [first, second] = [agent.tool('1'), agent.tool('2')];
    await until('two calls at the server', () => held.length === 2);
    const abandoned = agent.begin('POST', JSON.stringify({ jsonrpc: '2.0', id: 'left', method: 'tools/call', params: { name: '3' } }));
    // Only one may wait, so that a second one tells when it does.
    await until('it waits', async () => kindOf(await agent.tool('probe')) === 'serverBusy');
    abandoned.abort();
    await assert.rejects(abandoned.response);
    for (const answer of held.splice(0)) answer();
    assert.deepEqual([textOf(await first), textOf(await second)], ['done', 'done']);
    onCall(() => false);
    for (let n = 0; n < 6; n += 1) assert.equal(textOf(await agent.tool('again')), 'done');
    const tools = upstream.of('tools/call').map(({ message }) => message?.params?.name);
    assert.ok(!tools.includes('3'), 'what nobody waits for is not sent');
  });

  it('rate: so many calls, others are refused and told when to come back', async () => {
    const agent = await session('stdio', { rate: '3/m' });
    for (let n = 0; n < 3; n += 1) assert.equal(textOf(await agent.tool('echo', { text: 'x' })), 'x');
    const refused = await agent.tool('echo', { text: 'x' });
    assert.equal(kindOf(refused), 'rateLimited');
    assert.match(refused.messages[0]?.error?.message ?? '', /at most 3 calls in 60 seconds\. Try again in 20 seconds/);
    local.clock.time += 20_000;
    assert.equal(textOf(await agent.tool('echo', { text: 'x' })), 'x');
    assert.deepEqual(
      local.audit.entries.filter(({ errorKind }) => errorKind === 'rateLimited').map(({ outcome }) => outcome),
      ['refused'],
    );
  });

  it('a server that fails again and again is left alone, then tried with one call', async () => {
    const agent = await session('http', {});
    onCall((_request, response) => !!response.destroy());
    for (let n = 0; n < 5; n += 1) assert.equal(kindOf(await agent.tool('x')), 'upstreamClosed');
    const sent = upstream.received.length;
    const refused = await agent.tool('x');
    assert.match(refused.messages[0]?.error?.message ?? '', /failed 5 times in a row .* tried again in 10 seconds.*closed the connection/);
    assert.equal(upstream.received.length, sent);
    assert.equal(local.proxy.status('s').restsUntil, local.clock.time + 10_000);
    onCall(() => false);
    local.clock.time += 10_000;
    assert.equal(textOf(await agent.tool('x')), 'done');
    assert.deepEqual([local.proxy.status('s').state, local.proxy.status('s').restsUntil], ['running', undefined]);
  });
});
