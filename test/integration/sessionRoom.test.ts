import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { ModernPoster } from './support/modernPoster';
import { processesOf } from './support/processes';

/** As many sessions as a server may have. */
const MAX = 64;

const HELLO = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } };
const CALL = { jsonrpc: '2.0', method: 'tools/call', params: { name: 'x' } };

describe('room for sessions', function () {
  this.timeout(120_000);
  let local: LocalProxy;
  let http: ScriptedUpstream;

  beforeEach(async () => {
    http = await ScriptedUpstream.start();
    local = await LocalProxy.start({});
  });

  afterEach(async () => {
    await local.close();
    await http.stop();
  });

  const open = (): number => local.proxy.status('s').sessions;

  /** Takes no room in which somebody else could be. */
  async function assertRoomForOthers(): Promise<void> {
    http.script = () => false;
    const other = new Agent({ port: local.port, socket: local.socket, token: await local.agents.issue('other', 'user') }, 's');
    const answer = await other.initialize();
    assert.notEqual(answer.messages[0]?.result, undefined, answer.body);
    other.close();
  }

  it('is not taken by handshakes that failed, in the name of agents that know no sessions', async () => {
    await local.servers({ s: { url: http.url } });
    // One of the older era that opens a session and breaks down over it.
    http.script = ({ message }, response) => {
      if (message?.method === 'server/discover') {
        const error = { code: -32601, message: 'unknown' };
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }));
      } else if (message?.method === 'initialize') {
        response.writeHead(503, { 'content-type': 'text/html', 'mcp-session-id': 'broken' }).end('<html>busy');
      } else return false;
      return true;
    };
    const agent = new Agent(local, 's');
    const modern = new ModernPoster(agent);
    for (let n = 0; n < MAX; n += 1) {
      assert.equal((await modern.call('tools/list', {})).messages[0]?.error?.data?.kind, 'upstreamStatus');
      // A server that fails again and again is left alone for a while.
      local.clock.time += 11 * 60_000;
    }
    agent.close();
    local.clock.time += 11 * 60_000;
    await assertRoomForOthers();
  });

  it('is there again when a connection ends on which requests wait behind a stream', async () => {
    await local.servers({ s: { url: http.url } });
    const hanging = new Set<unknown>();
    http.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      hanging.add(response);
      response.on('close', () => hanging.delete(response));
      return true;
    };
    const agent = new Agent(local, 's');
    await agent.initialize();
    // In more than one connection: Node reads no more from one where much waits, and does not see it close then.
    const connections = [1, 2, 3].map(() => connect(local.port, '127.0.0.1').resume());
    for (const connection of connections) {
      write(connection, 'GET', agent.session);
      for (let n = 0; n < (MAX - 1) / 3; n += 1) write(connection, 'POST', undefined, HELLO);
      for (let n = 0; n < 4; n += 1) write(connection, 'POST', agent.session, { ...CALL, id: n });
      write(connection, 'GET', agent.session);
    }
    await until('the sessions and calls', () => open() === MAX && hanging.size === 12 && http.streams.size === 6);
    for (const connection of connections) connection.destroy();
    await until('the end of the calls and streams', () => hanging.size === 0 && http.streams.size === 0);
    agent.close();
    local.clock.time += 11_000;
    await assertRoomForOthers();
  });

  it('is kept for those whose servers take long to start', async () => {
    await local.servers({ s: { command: 'sleep', args: ['1000'] } });
    const agents = Array.from({ length: MAX }, () => new Agent(local, 's'));
    const begun = agents.map((agent) => agent.begin('POST', JSON.stringify(HELLO)));
    for (const { response } of begun) response.catch(() => undefined);
    const children = (): number => processesOf(local.folder).filter(({ commandLine }) => commandLine.startsWith('sleep')).length;
    await until('all children', () => children() === MAX);
    local.clock.time += 11_000;
    const last = new Agent(local, 's');
    assert.equal((await last.call('initialize', HELLO.params)).messages[0]?.error?.data?.kind, 'sessionLimit');
    assert.equal(children(), MAX);
    for (const { abort } of begun) abort();
    for (const agent of [...agents, last]) agent.close();
    await until('the end of the children', () => children() === 0);
    await until('the end of the sessions', () => open() === 0);
  });

  /** Writes a request without waiting for the answers to those before it. */
  function write(connection: Socket, method: string, session: string | undefined, message?: object): void {
    const body = message === undefined ? '' : JSON.stringify(message);
    const lines = [
      `${method} /mcp/s HTTP/1.1`,
      `Host: 127.0.0.1:${String(local.port)}`,
      `Authorization: Bearer ${local.token}`,
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      ...(session === undefined ? [] : [`Mcp-Session-Id: ${session}`]),
      ...(method === 'POST' ? [`Content-Length: ${String(body.length)}`] : []),
    ];
    connection.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }
});
