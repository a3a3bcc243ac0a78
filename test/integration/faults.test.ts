import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ScriptedSse } from '../fixtures/scriptedSse';
import type { SseCall } from '../fixtures/scriptedSse';
import { answerTo, event, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { fixture } from './support/programs';
import { textOf } from './support/scripted';
import { Stream } from './support/stream';

/** Its tools are faults. Everything it is asked while it works on one of them it answers as it should. */
const UNRULY = `
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  const done = (id, text) => say({ id, result: { content: [{ type: 'text', text }] } });
  const late = new Set();
  const faults = {
    twice: (id) => { done(id, 'first'); done(id, 'second'); },
    wrong: (id) => { done(id + 1000, 'x'); done(String(id), 'x'); done(null, 'x'); done(-id, 'x'); },
    late: (id) => late.add(id),
    half: (id) => { process.stdout.write('{"jsonrpc":"2.0","id":' + id + ',"result":{"content'); process.exit(4); },
    dying: (id, params) => {
      say({ method: 'notifications/progress', params: { progressToken: params._meta?.progressToken, progress: 1 } });
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);
    },
    guess: (id, params) => { done(params.arguments.id, 'a guess'); done(id, 'guessed'); },
    silent: () => {},
    garbage: (id) => { process.stdout.write('\\u0000\\n{}\\n[]\\nnull\\n{"jsonrpc":"2.0"}\\n[{"jsonrpc":"2.0","id":' + id + ',"result":{}}]\\n'); done(id, 'after garbage'); },
  };
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (method === 'notifications/cancelled' && late.has(params.requestId)) done(params.requestId, 'late');
    if (id === undefined || method === undefined) return;
    if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'u', version: '1' } } });
    else if (method === 'tools/call') (faults[params.name] ?? ((own) => done(own, 'done')))(id, params);
    else say({ id, result: {} });
  }).on('close', () => process.exit(0));`;

function answersOf({ messages }: Answer): string[] {
  return messages
    .filter(({ id, method }) => id !== undefined && method === undefined)
    .map(({ result, error }) => error?.data?.kind ?? (result?.content as { text: string }[])[0]?.text ?? '');
}

function text(id: unknown, said: string): object {
  return { id, result: textResult(said) };
}

/** A server in a process of its own, which says its port or address, then `got` for each call. */
class ServerProcess {
  readonly child: ChildProcess;
  #said = '';

  private constructor(args: readonly string[]) {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (this.#said += chunk));
    this.child = child;
  }

  static async start(...args: string[]): Promise<ServerProcess> {
    const server = new ServerProcess(args);
    await until('where it is', () => server.#said.includes('\n'));
    return server;
  }

  /** What it said first. */
  get where(): string {
    return this.#said.split('\n', 1)[0] ?? '';
  }

  async got(calls: number): Promise<void> {
    await until('the calls', () => this.#said.split('got').length === calls + 1);
  }
}

describe('faults of servers', function () {
  this.timeout(60_000);
  let local: LocalProxy;
  let agents: Agent[];

  beforeEach(async () => {
    agents = [];
    local = await LocalProxy.start({}, { callTimeoutMs: () => 1_000 });
  });

  afterEach(async () => {
    for (const agent of agents) agent.close();
    await local.close();
  });

  function newAgent(): Agent {
    const agent = new Agent(local, 's');
    agents.push(agent);
    return agent;
  }

  /** Each call is on record once. */
  function assertRecorded(calls: number): void {
    const entries = local.audit.entries.filter(({ action }) => action === 'call');
    assert.equal(entries.length, calls, JSON.stringify(entries));
  }

  /** One answer to a call, and the next one works. */
  async function assertOnce(agent: Agent, answer: string, mend: () => void): Promise<void> {
    assert.deepEqual(answersOf(await agent.tool('x')), [answer]);
    mend();
    assert.equal(textOf(await agent.tool('fine')), 'done');
    assertRecorded(2);
  }

  /** The agent's server answers a call that another session waits for, too. @param asked settles when that is under way. */
  async function assertGuessIsLost(agent: Agent, asked: () => Promise<unknown>): Promise<void> {
    const other = newAgent();
    await other.initialize();
    const waiting = other.post({ jsonrpc: '2.0', id: 777, method: 'tools/call', params: { name: 'silent' } });
    await asked();
    assert.deepEqual(answersOf(await agent.tool('guess', { id: 777 })), ['guessed']);
    assert.deepEqual(answersOf(await waiting), ['upstreamTimeout']);
    assertRecorded(2);
  }

  describe('over stdio', () => {
    let agent: Agent;

    beforeEach(async () => {
      await local.servers({ s: { command: process.execPath, args: ['-e', UNRULY], limits: { startTimeout: '30s', callTimeout: '3s' } } });
      agent = newAgent();
      await agent.initialize();
    });

    const faults: readonly (readonly [fault: string, answer: string])[] = [
      ['twice', 'first'],
      ['wrong', 'upstreamTimeout'],
      ['late', 'upstreamTimeout'],
      ['half', 'childExited'],
      ['dying', 'childExited'],
      ['silent', 'upstreamTimeout'],
      ['garbage', 'after garbage'],
    ];
    for (const [fault, answer] of faults) {
      it(`${fault}: one answer, and the next call works`, async () => {
        assert.deepEqual(answersOf(await agent.call('tools/call', { name: fault, _meta: { progressToken: 'p' } })), [answer]);
        assert.deepEqual(answersOf(await agent.tool('fine')), ['done']);
        assertRecorded(2);
      });
    }

    it('all at once: one answer for each', async () => {
      const answers = await Promise.all(['twice', 'wrong', 'late', 'garbage', 'silent', 'fine'].map((name) => agent.tool(name)));
      assert.deepEqual(answers.flatMap(answersOf), [
        'first',
        'upstreamTimeout',
        'upstreamTimeout',
        'after garbage',
        'upstreamTimeout',
        'done',
      ]);
      const dying = await Promise.all(['silent', 'silent', 'dying'].map((name) => agent.tool(name)));
      assert.deepEqual(dying.flatMap(answersOf), ['childExited', 'childExited', 'childExited']);
      assertRecorded(9);
    });

    it('an answer for a call of another session reaches nobody', () => assertGuessIsLost(agent, () => sleep(100)));
  });

  describe('over HTTP', () => {
    let upstream: ScriptedUpstream;
    let agent: Agent;

    beforeEach(async () => {
      upstream = await ScriptedUpstream.start();
      await local.servers({ s: { url: upstream.url } });
      agent = newAgent();
      await agent.initialize();
    });

    afterEach(() => upstream.stop());

    /** Says these messages on a stream and ends it. */
    const stream = (messages: (id: string | number | undefined) => object[]): Script => {
      return ({ message }, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const said of messages(message?.id)) response.write(event({ jsonrpc: '2.0', ...said }));
        response.end();
        return true;
      };
    };

    const faults: readonly (readonly [what: string, script: Script, answer: string])[] = [
      ['answers twice', stream((id) => [text(id, 'first'), text(id, 'second')]), 'first'],
      ['answers and goes on talking', stream((id) => [text(id, 'first'), { method: 'notifications/x' }]), 'first'],
      [
        'answers with wrong ids',
        stream((id) => [text(Number(id) + 1, 'x'), text(String(id), 'x'), text(null, 'x')]),
        'upstreamClosed',
      ],
      ['dies in the middle of a stream', ({ message }, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(event(answerTo(message, textResult('x'))).slice(0, -10), () => response.destroy());
        return true;
      }, 'upstreamClosed'],
      ['answers half a body and stops', (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        return response.write('{"jsonrpc":"2.0",') || true;
      }, 'upstreamTimeout'],
      ['answers half a head and stops', (_request, response) => {
        response.socket?.write('HTTP/1.1 200 OK\r\nContent-Type: appl');
        return true;
      }, 'upstreamTimeout'],
      ['answers too late', ({ message }, response) => {
        setTimeout(() => response.destroyed || response.end(JSON.stringify(answerTo(message, textResult('late')))), 10_000);
        return true;
      }, 'upstreamTimeout'],
    ]; // prettier-ignore
    for (const [what, script, answer] of faults) {
      it(`${what}: one answer, and the next call works`, async () => {
        upstream.script = (request, response) => request.message?.method === 'tools/call' && script(request, response) === true;
        await assertOnce(agent, answer, () => (upstream.script = () => false));
      });
    }

    it('an answer for a call of another session reaches nobody', async () => {
      upstream.sessionId = 'another';
      const other = newAgent();
      await other.initialize();
      const heard = await Stream.open(other);
      const guess = stream((id) => [text(777, 'a guess'), text(id, 'guessed')]);
      upstream.script = (request, response) => {
        if (request.message?.method !== 'tools/call') return false;
        return request.message.id === 777 || guess(request, response) === true;
      };
      const waiting = other.post({ jsonrpc: '2.0', id: 777, method: 'tools/call', params: { name: 'x' } });
      await until('the call', () => upstream.of('tools/call').length === 1);
      assert.deepEqual(answersOf(await agent.tool('y')), ['guessed']);
      assert.deepEqual(answersOf(await waiting), ['upstreamTimeout']);
      assert.deepEqual(heard.messages, []);
      heard.close();
    });

    it('is killed with calls under way: one error for each', async () => {
      const script = `require('node:http').createServer((q, r) => q.resume().on('end', () => { if (q.headers['x-first'] === undefined) console.log('got'); }))
        .listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
      const server = await ServerProcess.start('-e', script);
      await local.servers({ s: { url: `http://127.0.0.1:${server.where}/mcp`, limits: { callTimeout: '50s' } } });
      const calls = Array.from({ length: 10 }, () => newAgent().tool('x'));
      await server.got(10);
      server.child.kill('SIGKILL');
      for (const answer of await Promise.all(calls)) assert.deepEqual(answersOf(answer), ['upstreamClosed']);
      assertRecorded(10);
    });
  });

  describe('over the old HTTP+SSE', () => {
    let upstream: ScriptedSse;
    let agent: Agent;

    beforeEach(async () => {
      upstream = await ScriptedSse.start();
      upstream.tool = (name, call) => (faults.get(name)?.[0] ?? (() => 'done'))(call);
      await local.servers({ s: { type: 'sse', url: upstream.url } });
      agent = newAgent();
      await agent.initialize();
    });

    afterEach(() => upstream.stop());

    /** Says something on the stream of a call. */
    const say = ({ stream }: SseCall, ...messages: object[]): void => {
      for (const message of messages) upstream.say(stream, message);
    };
    const write = ({ stream }: SseCall, bytes: string, then?: () => void): void => {
      upstream.streams.get(stream)?.write(bytes, then);
    };
    const calls = (): SseCall[] =>
      upstream.received.flatMap(({ stream, message: { id, method } }) =>
        method === 'tools/call' && id !== undefined ? [{ stream, id }] : [],
      );

    /** What it does with a call, and the answer that the agent gets. */
    const faults = new Map<string, readonly [fault: (call: SseCall) => unknown, answer: string]>([
      ['answers twice', [(call) => { say(call, text(call.id, 'first'), text(call.id, 'second')); }, 'first']],
      ['answers and goes on talking', [(call) => { say(call, text(call.id, 'first'), { method: 'notifications/x' }); }, 'first']],
      ['answers with wrong ids', [(call) => {
        const id = Number(call.id);
        say(call, text(id + 1000, 'x'), text(String(id), 'x'), text(null, 'x'), text(-id, 'x'));
      }, 'upstreamTimeout']],
      ['answers in events of another name', [(call) => {
        write(call, event({ jsonrpc: '2.0', ...text(call.id, 'x') }).replace('message', 'answer'));
      }, 'upstreamTimeout']],
      ['says what is no message, then answers', [(call) => {
        for (const data of ['\u0000', '', '{}', '[]', 'null', '{"jsonrpc":"2.0"}', JSON.stringify([{ jsonrpc: '2.0', ...text(call.id, 'x') }])])
          write(call, `data: ${data}\n\n`);
        return 'after garbage';
      }, 'after garbage']],
      ['says nothing', [() => undefined, 'upstreamTimeout']],
      ['ends its stream', [({ stream }) => { upstream.streams.get(stream)?.end(); }, 'upstreamClosed']],
      ['dies in the middle of an answer', [(call) => {
        write(call, event(answerTo(call, textResult('x'))).slice(0, -10), () => upstream.streams.get(call.stream)?.destroy());
      }, 'upstreamClosed']],
      ['names another address for messages, elsewhere', [(call) => {
        write(call, 'event: endpoint\ndata: http://127.0.0.1:9/\n\n');
      }, 'upstreamRedirect']],
    ]); // prettier-ignore
    for (const [what, [fault, answer]] of faults) {
      it(`${what}: one answer, and the next call works`, async () => {
        upstream.tool = (_, call) => fault(call);
        await assertOnce(agent, answer, () => (upstream.tool = () => 'done'));
      });
    }

    it('all at once: one answer for each', async () => {
      const heard = await Stream.open(agent);
      const lasting = [...faults].filter(([, [, answer]]) => !['upstreamClosed', 'upstreamRedirect'].includes(answer));
      const answers = await Promise.all(lasting.map(([name]) => agent.tool(name)));
      const expected = lasting.map(([, [, answer]]) => [answer]);
      assert.deepEqual(answers.map(answersOf), expected);
      assert.deepEqual(answersOf(await agent.tool('fine')), ['done']);
      const dying = await Promise.all(['says nothing', 'says nothing', 'ends its stream'].map((name) => agent.tool(name)));
      assert.deepEqual(dying.flatMap(answersOf), ['upstreamClosed', 'upstreamClosed', 'upstreamClosed']);
      assertRecorded(lasting.length + 4);
      assert.deepEqual(heard.messages.filter(({ id }) => id !== undefined), []); // prettier-ignore
      heard.close();
    });

    it('answers late, when the next call is under way: each call has its own answer', async () => {
      const heard = await Stream.open(agent);
      upstream.tool = () => undefined;
      assert.deepEqual(answersOf(await agent.tool('x')), ['upstreamTimeout']);
      upstream.tool = (_, call) => {
        for (const { id } of calls()) say(call, text(id, id === call.id ? 'done' : 'late'));
      };
      assert.deepEqual(answersOf(await agent.tool('fine')), ['done']);
      assert.deepEqual(heard.messages, []);
      assertRecorded(2);
      heard.close();
    });

    it('takes no messages for a while: one answer, and the next call works', async () => {
      await until('the end of the handshake', () => upstream.received.length === 2);
      upstream.status = undefined;
      assert.deepEqual(answersOf(await agent.tool('x', { text: 'y'.repeat(4_000_000) })), ['upstreamTimeout']);
      upstream.status = 202;

      assert.deepEqual(answersOf(await agent.tool('fine')), ['done']);
      assertRecorded(2);
    });

    it('an answer for a call of another session reaches nobody', async () => {
      upstream.tool = (name, call) => {
        if (name === 'guess') say(call, text(777, 'a guess'), text(call.id, 'guessed'));
      };
      await assertGuessIsLost(agent, () => until('the call', () => calls().length === 1));
    });

    describe('in a process of its own', () => {
      let server: ServerProcess;

      beforeEach(async () => {
        server = await ServerProcess.start(fixture('sseProcess'));
      });

      afterEach(() => void server.child.kill('SIGKILL'));

      it('is killed with calls under way: one error for each', async () => {
        await local.servers({ s: { type: 'sse', url: server.where, limits: { callTimeout: '50s' } } });
        const calling = Array.from({ length: 10 }, async () => {
          const one = newAgent();
          await one.initialize();
          return one.tool('x');
        });
        await server.got(10);
        server.child.kill('SIGKILL');
        for (const answer of await Promise.all(calling)) assert.deepEqual(answersOf(answer), ['upstreamClosed']);
        assertRecorded(10);
      });

      it('hangs with a call under way: an error for that and for those that follow, until it goes on', async () => {
        await local.servers({ s: { type: 'sse', url: server.where, limits: { callTimeout: '3s' } } });
        const one = newAgent();
        await one.initialize();
        const underWay = one.tool('x');
        await server.got(1);
        server.child.kill('SIGSTOP');
        assert.deepEqual(answersOf(await underWay), ['upstreamTimeout']);
        assert.deepEqual(answersOf(await one.tool('fine')), ['upstreamTimeout']);
        assert.deepEqual(answersOf(await newAgent().initialize()), ['upstreamTimeout']);
        server.child.kill('SIGCONT');
        assert.deepEqual(answersOf(await one.tool('fine')), ['done']);
        assertRecorded(3);
      });
    });
  });

  describe('of a machine that accepts connections and says nothing', () => {
    let server: Server;
    let sockets: Socket[];

    beforeEach(async () => {
      sockets = [];
      server = createServer((socket) => void sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });

    const reach = (type: 'http' | 'sse'): Promise<void> =>
      local.servers({ s: { type, url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/` } });

    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    for (const type of ['http', 'sse'] as const)
      it(`over ${type}: an error after the time for silence, and the connection is closed`, async () => {
        await reach(type);
        assert.deepEqual(answersOf(await newAgent().initialize()), ['upstreamTimeout']);
        const [first] = sockets;
        first?.resume();
        await until('the end of the connection', () => first?.destroyed === true || first?.readableEnded === true);
      });

    it('that reads no more than its buffers hold: the same', async () => {
      await reach('http');
      server
        .removeAllListeners('connection')
        .on('connection', (socket: Socket) => void sockets.push(socket.pause().on('error', () => undefined)));
      assert.deepEqual(answersOf(await newAgent().tool('x', { text: 'y'.repeat(4_000_000) })), ['upstreamTimeout']);
    });
  });
});
