import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { newCanary } from './support/canaries';
import { until } from './support/eventually';
import { isRunning, processesOf } from './support/processes';
import { scripted, textOf, valueOf } from './support/scripted';
import type { OwnEnvironment } from './support/scripted';
import type { Serving } from './support/serving';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

describe('a stdio upstream that fails', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const marker = join(place.workspace, 'started');
  let serving: Serving;
  let agent: Agent;
  /** Its calls have more time than they need. */
  let patient: Agent;

  before(async () => {
    await place.secret('TOKEN', newCanary());
    const [command, ...args] = scripted();
    const notExecutable = join(place.workspace, 'no-program');
    writeFileSync(notExecutable, 'text');
    chmodSync(notExecutable, 0o600);
    const servers = {
      good: { command, args, secrets: { TOKEN: 'env' }, limits: { startTimeout: '30s', callTimeout: '5s' } },
      patient: { command, args, secrets: { TOKEN: 'env' }, limits: { startTimeout: '30s', callTimeout: '30s' } },
      'not-found': { command: 'mcp-no-such-command', args: ['x'] },
      'not-allowed': { command: notExecutable },
      'no-folder': { command, args, cwd: 'none' },
      dies: { command, args: [...args, '--die', '--marker', marker], limits: { startTimeout: '30s' } },
      refuses: { command, args: [...args, '--refuse'], limits: { startTimeout: '30s' } },
      mute: { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] },
      babbles: {
        command: process.execPath,
        args: ['-e', 'console.log("Welcome!"); console.log("{}"); setInterval(() => {}, 1000)'],
        limits: { startTimeout: '8s' },
      },
      missing: { command, args: [...args, '--marker', marker], secrets: { TOKEN: 'env', NOT_THERE: 'env' } },
    };
    await place.servers(servers, ...Object.keys(servers));
    serving = await place.serve(['--timeout', '2']);
    agent = new Agent(serving, 'good');
    await agent.initialize();
    patient = new Agent(serving, 'patient');
    await patient.initialize();
  });

  after(async () => {
    for (const each of [agent, patient]) each.close();
    await place.close();
  });

  function assertError({ messages, body }: Answer, kind: string, message: RegExp): void {
    const error = messages.at(-1)?.error;
    assert.deepEqual([error?.code, error?.data?.kind], [-32000, kind], body);
    assert.match(error?.message ?? '', message);
  }

  async function failsToStart(server: string, kind: string, message: RegExp, outcome = 'error'): Promise<void> {
    const other = new Agent(serving, server);
    const answer = await other.initialize();
    assertError(answer, kind, message);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['mcp-session-id'], undefined, 'a session that never began has no id');
    other.close();
    const [line] = await place.audited(1, (entry) => entry.server === server && entry.method === 'initialize');
    assert.deepEqual([line?.outcome, line?.errorKind], [outcome, kind]);
  }

  it('command not found', () =>
    failsToStart(
      'not-found',
      'commandNotFound',
      /^The command "mcp-no-such-command" of server "not-found" was not found\. Install it or correct/,
    ));

  it('command that may not be run', () =>
    failsToStart('not-allowed', 'commandFailed', /could not be started \(EACCES\)\. Check that it may be run/));

  it('working folder that is not there', () => failsToStart('no-folder', 'commandFailed', /the folder .*\/none does not exist/));

  it('dies at start: the reason is in the log', async () => {
    await failsToStart('dies', 'childExited', /ended before it answered \(exit code 3\)\. Its own messages are in the MCP Secrets log/);
    await until('its words', () => serving.logs.includes('[dies] no, not today'));
    assert.equal(readFileSync(marker, 'utf8').trim().split('\n').length, 1, 'it was started once');
  });

  it('says nothing', async () => {
    await failsToStart('mute', 'upstreamTimeout', /sent nothing for 2 seconds/);
    await until('its end', () => !processesOf(place.root).some(({ commandLine }) => commandLine.includes('setInterval')));
  });

  it('writes what is no message: that goes to the log', async () => {
    await failsToStart('babbles', 'upstreamTimeout', /sent nothing/);
    const said = '[babbles] wrote a line to its standard output that is no MCP message: Welcome!';
    await until('its words', () => serving.logs.includes(said));
  });

  it('a secret that is missing: named, and nothing is started', async () => {
    const before = readFileSync(marker, 'utf8');
    await failsToStart(
      'missing',
      'secretMissing',
      /The secret NOT_THERE, bound to server "missing", does not exist\. Add it with/,
      'refused',
    );
    assert.equal(readFileSync(marker, 'utf8'), before);
  });

  it('refuses the handshake: its answer comes, and no session is kept', async () => {
    const other = new Agent(serving, 'refuses');
    const answer = await other.initialize();
    assert.deepEqual([answer.messages[0]?.error?.code, answer.messages[0]?.error?.message], [-32602, 'not with me']);
    assert.equal(answer.headers['mcp-session-id'], undefined);
    other.close();
    await until('its end', () => !processesOf(place.root).some(({ commandLine }) => commandLine.includes('--refuse')));
  });

  it('any number of failed starts does not use up the sessions', async () => {
    const other = new Agent(serving, 'not-found');
    for (let n = 0; n < 70; n += 1) {
      const { messages } = await other.call('initialize', { protocolVersion: '2025-11-25', capabilities: {} });
      assert.equal(messages[0]?.error?.data?.kind, 'commandNotFound');
    }
    other.close();
  });

  it('but 64 sessions are the limit for one server', async () => {
    const other = new Workplace();
    await other.addStdio('cheap', ['cat']);
    const own = await other.serve(['--timeout', '60']);
    // `cat` gives back what it is sent: a request, which is no answer. The sessions stay open while they wait.
    const waiting = Array.from({ length: 64 }, () => {
      const one = new Agent(own, 'cheap');
      void one.initialize().catch(() => undefined);
      return one;
    });
    await until('all children', () => processesOf(other.root).filter(({ commandLine }) => commandLine.trim() === 'cat').length === 64);
    const last = new Agent(own, 'cheap');
    assertError(await last.initialize(), 'sessionLimit', /has 64 open sessions already\. End some/);
    for (const one of [...waiting, last]) one.close();
    await other.close();
  });

  it('dies in the middle of a call: an error; the next call of the session works, in a new child', async () => {
    const { pid } = valueOf(await agent.tool('env')) as OwnEnvironment;
    assertError(await agent.tool('exit'), 'childExited', /\(exit code 7\).*It starts again with the next call/);
    assert.equal(textOf(await agent.tool('echo', { text: 'again' })), 'again');
    assert.notEqual((valueOf(await agent.tool('env')) as OwnEnvironment).pid, pid);
    const [line] = await place.audited(1, ({ tool }) => tool === 'exit');
    assert.deepEqual([line?.outcome, line?.errorKind, line?.secrets], ['error', 'childExited', ['TOKEN']]);
  });

  it('dies with several calls under way: an error for each', async () => {
    const hanging = [1, 2, 3].map(() => patient.tool('hang'));
    await until('the calls at the child', async () => ((await patient.tool('received')).body.match(/hang/g)?.length ?? 0) >= 3);
    await patient.tool('exit');
    for (const answer of await Promise.all(hanging)) assertError(answer, 'childExited', /exit code 7/);
  });

  it('is killed between calls: the next call works', async () => {
    const { pid } = valueOf(await agent.tool('env')) as OwnEnvironment;
    process.kill(pid, 'SIGKILL');
    await until('its end', () => !isRunning(pid));
    await until('an answer', async () => {
      const { messages } = await agent.tool('echo', { text: 'back' });
      return messages[0]?.result !== undefined;
    });
  });

  it('a batch with a call that kills it: each request has one answer', async () => {
    const call = (id: number, name: string): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });
    const { messages } = await patient.post([call(1, 'echo'), call(2, 'hang'), call(3, 'exit')]);
    assert.deepEqual(messages.map(({ id }) => id).sort(), [1, 2, 3]);
    assert.deepEqual(
      messages.filter(({ error }) => error?.data?.kind === 'childExited').map(({ id }) => id),
      [2, 3],
    );
  });

  it('hangs: an error after the time limit, the server is told, and the session goes on', async () => {
    assertError(await agent.tool('hang'), 'upstreamTimeout', /sent nothing for 5 seconds, so the call was given up/);
    const received = (valueOf(await agent.tool('received')) as string[]).map((line) => JSON.parse(line) as Record<string, unknown>);
    const call = received.find(({ params }) => (params as { name?: string } | undefined)?.name === 'hang');
    const cancelled = received.find(({ method }) => method === 'notifications/cancelled');
    assert.deepEqual(cancelled?.params, { requestId: call?.id, reason: 'timeout' });
  });

  it('waits for the agent longer than the time limit: that is no failure', async () => {
    const stream = await Stream.open(agent);
    const call = agent.tool('ask', { method: 'elicitation/create' });
    const question = await stream.next('the question', ({ method }) => method === 'elicitation/create');
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    await agent.post({ jsonrpc: '2.0', id: question.id, result: { action: 'decline' } });
    assert.deepEqual(valueOf(await call), { action: 'decline' });
    stream.close();
  });

  it('a cancelled call ends without an answer, and the server is told', async () => {
    const hanging = patient.post({ jsonrpc: '2.0', id: 'to-cancel', method: 'tools/call', params: { name: 'hang' } });
    await until('the call at the child', async () => (await patient.tool('received')).body.includes('to-cancel'));
    await patient.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'to-cancel', reason: 'enough' } });
    assert.deepEqual((await hanging).messages, []);
    const received = (await patient.tool('received')).body;
    assert.ok(received.includes('notifications/cancelled'));
    assert.equal(textOf(await patient.tool('echo', { text: 'on' })), 'on');
  });

  it('an agent that goes away in the middle of a call does not disturb the session', async () => {
    const begun = patient.begin(
      'POST',
      JSON.stringify({ jsonrpc: '2.0', id: 'left', method: 'tools/call', params: { name: 'wait', arguments: { file: '/none' } } }),
    );
    await until('the call at the child', async () => (await patient.tool('received')).body.includes('left'));
    begun.abort();
    await assert.rejects(begun.response);
    const [line] = await place.audited(1, ({ tool }) => tool === 'wait');
    assert.deepEqual([line?.outcome, line?.errorKind], ['error', 'abandoned']);
    assert.equal(textOf(await patient.tool('echo', { text: 'on' })), 'on');
  });

  it('a request id that is under way cannot be used again', async () => {
    const hanging = patient.post({ jsonrpc: '2.0', id: 'twice', method: 'tools/call', params: { name: 'hang' } });
    await until('the call at the child', async () => (await patient.tool('received')).body.includes('twice'));
    const again = await patient.post({ jsonrpc: '2.0', id: 'twice', method: 'tools/call', params: { name: 'echo' } });
    assert.deepEqual([again.status, again.messages[0]?.error?.code], [400, -32600]);
    await patient.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'twice' } });
    await hanging;
  });

  it('without a session there is only the handshake', async () => {
    const other = new Agent(serving, 'good');
    for (const answer of [await other.tool('echo'), await other.send('GET')]) assert.equal(answer.status, 404);
    assert.equal((await other.send('DELETE')).status, 405);
    other.close();
  });

  it('the end of a session ends its child', async () => {
    const other = new Agent(serving, 'good');
    await other.initialize();
    const { pid } = valueOf(await other.tool('env')) as OwnEnvironment;
    assert.equal((await other.send('DELETE')).status, 204);
    assert.ok(!isRunning(pid));
    assert.equal((await other.tool('echo')).status, 404);
    other.close();
    assert.ok(existsSync(`/proc/${String(serving.pid)}`) || process.platform !== 'linux');
  });
});
