import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bodies in pieces of one byte. */
const PIECES = 1_000_000;
/** What they may take while they come: as Buffers they would take 100 times as much. */
const MAX_BYTES = 40_000_000;

function inUse(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Sends as many chunks of one byte, and waits until they are taken. */
async function drip(socket: Socket): Promise<void> {
  const chunks = Buffer.from('1\r\nx\r\n'.repeat(1_000));
  for (let sent = 0; sent < PIECES; sent += 1_000) if (!socket.write(chunks)) await once(socket, 'drain');
}

/** A server that reads one request on each connection and then says what it likes. */
async function listening(speak: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => {
        speak(socket);
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/mcp`;

describe('who sends little at a time, or without end', function () {
  this.timeout(120_000);
  let local: LocalProxy;
  const servers: Server[] = [];

  before(async () => {
    local = await LocalProxy.start({});
  });

  after(async () => {
    await local.close();
    for (const server of servers) server.close();
  });

  it('an agent, byte by byte: it takes as much memory as there are bytes', async () => {
    const socket = connect(local.port, '127.0.0.1').on('error', () => undefined);
    const head = ['POST /mcp/none HTTP/1.1', `Host: 127.0.0.1:${String(local.port)}`, `Authorization: Bearer ${local.token}`];
    const before = inUse();
    socket.write(`${[...head, 'Content-Type: application/json', 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`);
    await drip(socket);
    const more = inUse() - before;
    assert.ok(more < MAX_BYTES, `${String(more)} bytes more`);
    socket.destroy();
  });

  it('a server, byte by byte: the same', async () => {
    let dripped: Promise<void> | undefined;
    const server = await listening((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
      dripped = drip(socket);
    });
    servers.push(server);
    await local.servers({ slow: { type: 'http', url: urlOf(server) } });
    const agent = new Agent(local, 'slow');
    const before = inUse();
    const call = agent.call('tools/list').catch(() => undefined);
    await until('the server to begin', () => dripped !== undefined);
    await dripped;
    const more = inUse() - before;
    assert.ok(more < MAX_BYTES, `${String(more)} bytes more`);
    agent.close();
    await call;
  });

  it('a server, an endless body that nobody wants: it is broken off', async () => {
    let open = 0;
    const server = await listening((socket) => {
      open += 1;
      socket.on('close', () => (open -= 1));
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n');
      const say = (): void => {
        if (!socket.destroyed && socket.write('1\r\nx\r\n')) setTimeout(say, 20);
      };
      say();
    });
    servers.push(server);
    await local.servers({ endless: { type: 'http', url: urlOf(server) } });
    const agent = new Agent(local, 'endless');
    assert.equal((await agent.send('GET')).status, 405);
    await until('its connection to end', () => open === 0);
    agent.close();
  });
});

describe('a call that has ended while its server was waiting for approval', function () {
  this.timeout(60_000);

  it('takes no place among the calls when the server is approved after that', async () => {
    let say: (yes: boolean) => void = () => undefined;
    let asked = false;
    const ask = (): Promise<boolean> => {
      asked = true;
      return new Promise((resolve) => (say = resolve));
    };
    const local = await LocalProxy.start({}, { approver: { ask } });
    const upstream = await ScriptedUpstream.start();
    upstream.sessionId = undefined;
    const file = { one: { type: 'http', url: upstream.url, limits: { concurrency: 1, queue: 0 } } };
    await local.servers(file, 'one');
    const token = await local.agents.issue('other', 'user');
    const [other, agent] = [new Agent({ port: local.port, socket: local.socket, token }, 'one'), new Agent(local, 'one')];
    const waiting = other.call('tools/list');
    await until('the question', () => asked);
    await local.agents.revoke('other', 'user');
    assert.match((await waiting).body, /tokenWrong/);
    await local.servers(file);
    say(true);
    for (let i = 0; i < 3; i += 1) assert.ok((await agent.call('tools/list')).messages[0]?.result !== undefined);
    for (const one of [other, agent]) one.close();
    await local.close();
    await upstream.stop();
  });
});
