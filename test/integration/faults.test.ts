import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerTo, event, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { textOf } from './support/scripted';
import { Stream } from './support/stream';

/** Its tools are faults. Everything it is asked while it works on one of them it answers as it should. */
const UNRULY = `
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  const done = (id, text) => say({ id, result: { content: [{ type: 'text', text }] } });
  const faults = {
    twice: (id) => { done(id, 'first'); done(id, 'second'); },
    wrong: (id) => { done(id + 1000, 'x'); done(String(id), 'x'); done(null, 'x'); done(-id, 'x'); },
    late: (id) => setTimeout(done, 1500, id, 'late'),
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

  describe('over stdio', () => {
    let agent: Agent;

    beforeEach(async () => {
      await local.servers({ s: { command: process.execPath, args: ['-e', UNRULY], limits: { startTimeout: '30s' } } });
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
        if (fault === 'late') await sleep(800);
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

    it('an answer for a call of another session reaches nobody', async () => {
      const other = newAgent();
      await other.initialize();
      const waiting = other.post({ jsonrpc: '2.0', id: 777, method: 'tools/call', params: { name: 'silent' } });
      await sleep(100);
      assert.deepEqual(answersOf(await agent.tool('guess', { id: 777 })), ['guessed']);
      assert.deepEqual(answersOf(await waiting), ['upstreamTimeout']);
      assertRecorded(2);
    });
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
    const text = (id: unknown, said: string): object => ({ id, result: textResult(said) });

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
        setTimeout(() => response.destroyed || response.end(JSON.stringify(answerTo(message, textResult('late')))), 1_800);
        return true;
      }, 'upstreamTimeout'],
    ]; // prettier-ignore
    for (const [what, script, answer] of faults) {
      it(`${what}: one answer, and the next call works`, async () => {
        upstream.script = (request, response) => request.message?.method === 'tools/call' && script(request, response) === true;
        assert.deepEqual(answersOf(await agent.tool('x')), [answer]);
        upstream.script = () => false;
        assert.equal(textOf(await agent.tool('fine')), 'done');
        assertRecorded(2);
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
      const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      await until('its port', () => said.includes('\n'));
      await local.servers({ s: { url: `http://127.0.0.1:${said.trim()}/mcp`, limits: { callTimeout: '50s' } } });
      const calls = Array.from({ length: 10 }, () => newAgent().tool('x'));
      await until('the calls', () => said.split('got').length === 11);
      child.kill('SIGKILL');
      for (const answer of await Promise.all(calls)) assert.deepEqual(answersOf(answer), ['upstreamClosed']);
      assertRecorded(10);
    });
  });

  describe('of a machine that accepts connections and says nothing', () => {
    let server: Server;
    let sockets: Socket[];

    beforeEach(async () => {
      sockets = [];
      server = createServer((socket) => void sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
      await once(server, 'listening');
      await local.servers({ s: { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/` } });
    });

    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    it('an error after the time for silence, and the connection is closed', async () => {
      assert.deepEqual(answersOf(await newAgent().initialize()), ['upstreamTimeout']);
      const [first] = sockets;
      first?.resume();
      await until('the end of the connection', () => first?.destroyed === true || first?.readableEnded === true);
    });

    it('that reads no more than its buffers hold: the same', async () => {
      server
        .removeAllListeners('connection')
        .on('connection', (socket: Socket) => void sockets.push(socket.pause().on('error', () => undefined)));
      assert.deepEqual(answersOf(await newAgent().tool('x', { text: 'y'.repeat(4_000_000) })), ['upstreamTimeout']);
    });
  });
});
