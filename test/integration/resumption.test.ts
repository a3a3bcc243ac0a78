import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createTunnel, connect } from 'node:net';
import type { AddressInfo, Server as Tunnel, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { Agent, eventsOf } from './support/agent';
import type { Rpc } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { TestClient } from './support/client';
import { eventually, until } from './support/eventually';
import { LocalProxy } from './support/localProxy';

/** A real server that remembers what it has sent, and a way to it that can be cut. */
class RememberingServer {
  readonly #transports = new Map<string, StreamableHTTPServerTransport>();
  readonly #http: Server;
  readonly #tunnel: Tunnel;
  readonly #sockets = new Set<Socket>();
  /** Lets the tool `wait` go on. */
  go: () => void = () => undefined;

  constructor() {
    this.#http = createServer((request, response) => {
      const id = request.headers['mcp-session-id'];
      const known = typeof id === 'string' ? this.#transports.get(id) : undefined;
      if (known !== undefined) {
        void known.handleRequest(request, response);
        return;
      }
      const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        eventStore: new InMemoryEventStore(),
        retryInterval: 50,
        onsessioninitialized: (session) => void this.#transports.set(session, transport),
      });
      void this.#connect(transport).then(() => transport.handleRequest(request, response));
    });
    this.#tunnel = createTunnel((socket) => {
      const onward = connect((this.#http.address() as AddressInfo).port, '127.0.0.1');
      for (const each of [socket, onward]) {
        this.#sockets.add(each);
        each
          .on('error', () => undefined)
          .on('close', () => {
            this.#sockets.delete(each);
            socket.destroy();
            onward.destroy();
          });
      }
      socket.pipe(onward).pipe(socket);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => this.#tunnel.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#tunnel.address() as AddressInfo).port)}/mcp`;
  }

  /** Drops every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  stop(): void {
    this.cut();
    this.#tunnel.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async #connect(transport: StreamableHTTPServerTransport): Promise<void> {
    const server = new McpServer({ name: 'remembering', version: '1' }, { capabilities: { logging: {} } });
    server.registerTool('wait', {}, async (extra) => {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'begun' } });
      const going = new Promise<void>((resolve) => (this.go = resolve));
      await going;
      return { content: [{ type: 'text', text: 'the answer' }] };
    });
    server.registerTool('close', {}, async (extra) => {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'closing' } });
      extra.closeSSEStream?.();
      await sleep(300);
      return { content: [{ type: 'text', text: 'the late answer' }] };
    });
    server.registerTool('ask', {}, async () => {
      const { content } = await server.server.elicitInput({
        message: 'Who?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
      });
      return { content: [{ type: 'text', text: String(content?.name) }] };
    });
    await server.connect(transport);
  }
}

describe('a stream that is taken up again', function () {
  this.timeout(60_000);
  let server: RememberingServer;
  let local: LocalProxy;
  let client: TestClient | undefined;

  beforeEach(async () => {
    server = new RememberingServer();
    await server.start();
    local = await LocalProxy.start({ TOKEN: newPlainCanary() }, { callTimeoutMs: () => 5_000 });
    await local.servers({ s: { url: server.url, secrets: { TOKEN: 'bearer' } } });
  });

  afterEach(async () => {
    await client?.close().catch(() => undefined);
    client = undefined;
    await local.close();
    server.stop();
  });

  const newClient = async (): Promise<TestClient> =>
    (client = await TestClient.http(new URL(`http://127.0.0.1:${String(local.port)}/mcp/s`), { authorization: `Bearer ${local.token}` }));

  const recorded = (tool: string): string[] =>
    local.audit.entries.filter((entry) => entry.tool === tool).map(({ outcome, errorKind }) => `${outcome} ${errorKind ?? ''}`.trim());

  it('the server closes it early: the client comes back for the answer, and the call is no failure', async () => {
    const { client: sdk } = await newClient();
    const { content } = await sdk.callTool({ name: 'close' });
    assert.deepEqual(content, [{ type: 'text', text: 'the late answer' }]);
    assert.deepEqual(recorded('close'), ['ok']);
  });

  it('the connection to the server breaks: the same', async () => {
    const { client: sdk, logs } = await newClient();
    const calling = sdk.callTool({ name: 'wait' });
    await until('the beginning of the stream', () => logs.length === 1);
    server.cut();
    await sleep(100);
    server.go();
    assert.deepEqual((await calling).content, [{ type: 'text', text: 'the answer' }]);
    assert.deepEqual(recorded('wait'), ['ok']);
  });

  it('the connection of the agent breaks: it gets what it has missed, and the call is recorded once, with its answer', async () => {
    const agent = new Agent(local, 's');
    await agent.initialize();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 'wait' } });
    const begun = agent.begin('POST', body);
    let text = '';
    const response = await begun.response;
    response
      .setEncoding('utf8')
      .on('data', (chunk: string) => (text += chunk))
      .on('error', () => undefined);
    const lastId = await eventually('an event', () =>
      text.includes('begun') ? [...text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] : undefined,
    );
    begun.abort();
    await sleep(100);
    assert.deepEqual(recorded('wait'), [], 'it is not over');
    server.go();
    const again = await agent.open('GET', undefined, { accept: 'text/event-stream', 'last-event-id': lastId });
    let rest = '';
    again
      .setEncoding('utf8')
      .on('data', (chunk: string) => (rest += chunk))
      .on('error', () => undefined);
    const answer = await eventually('the answer', () =>
      eventsOf(rest)
        .map((data) => JSON.parse(data) as Rpc)
        .find(({ id }) => id === 'w'),
    );
    assert.deepEqual(answer.result?.content, [{ type: 'text', text: 'the answer' }]);
    assert.deepEqual(recorded('wait'), ['ok']);
    again.destroy();
    agent.close();
  });

  it('taken back by the agent, or with the end of its session, it is over at once', async () => {
    for (const [how, record] of [
      ['cancel', 'error cancelled'],
      ['end', 'error upstreamClosed'],
    ] as const) {
      local.audit.entries.length = 0;
      const agent = new Agent(local, 's');
      await agent.initialize();
      const response = await agent.open(
        'POST',
        JSON.stringify({ jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 'wait' } }),
      );
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      await until('the beginning of the stream', () => text.includes('begun'));
      server.cut();
      await until('the end of the stream', () => response.readableEnded);
      if (how === 'cancel') await agent.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'w' } });
      else await agent.send('DELETE');
      assert.deepEqual(recorded('wait'), [record]);
      agent.close();
    }
  });

  it('nobody comes back: the call is a failure after the time that it may be silent', async () => {
    const agent = new Agent(local, 's');
    await agent.initialize();
    const response = await agent.open('POST', JSON.stringify({ jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 'wait' } }));
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await until('the beginning of the stream', () => text.includes('begun'));
    server.cut();
    await until('the end of the stream', () => response.readableEnded);
    assert.ok(!text.includes('"error"'), 'the agent may come back');
    assert.deepEqual(recorded('wait'), []);
    await until('the record', () => recorded('wait').length > 0);
    assert.deepEqual(recorded('wait'), ['error upstreamClosed']);
    agent.close();
  });
});

describe('a question to the user over HTTP', function () {
  this.timeout(60_000);

  it('may take longer than a server may be silent', async () => {
    const server = new RememberingServer();
    await server.start();
    const local = await LocalProxy.start({});
    await local.servers({ s: { url: server.url, limits: { callTimeout: '3s' } } });
    const client = await TestClient.http(new URL(`http://127.0.0.1:${String(local.port)}/mcp/s`), {
      authorization: `Bearer ${local.token}`,
    });
    const { elicitAnswer } = client;
    Object.defineProperty(client, 'elicitAnswer', { get: () => sleep(7_000).then(() => elicitAnswer) });
    assert.equal(await client.text('ask'), 'Ada');
    await client.close();
    await local.close();
    server.stop();
  });
});
