/* eslint-disable @typescript-eslint/no-deprecated -- the low-level Server is for those who decide what it lists */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { ServerCapabilities } from '@modelcontextprotocol/sdk/types.js';

/** Fills a fresh server, one for each session, with handlers. */
export type Setup = (server: Server) => void;

/** An MCP server of the SDK over Streamable HTTP, with sessions, in the test's process. */
export class SdkServer {
  /** Those of the open sessions, by session id. */
  readonly sessions = new Map<string, { readonly server: Server; readonly transport: StreamableHTTPServerTransport }>();
  /** Every JSON-RPC message that came in. */
  readonly received: { readonly method?: string; readonly id?: unknown; readonly params?: Record<string, unknown> }[] = [];
  /** Handshakes wait for this. */
  gate: Promise<unknown> = Promise.resolve();
  /** Keeps events, so that streams can be taken up again. */
  eventStore: EventStore | undefined;
  readonly #http: HttpServer;
  readonly #make: () => Server;

  private constructor(make: () => Server) {
    this.#make = make;
    this.#http = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(name: string, capabilities: ServerCapabilities, setup: Setup, instructions?: string): Promise<SdkServer> {
    const options = { capabilities, ...(instructions === undefined ? {} : { instructions }) };
    const started = new SdkServer(() => {
      const server = new Server({ name, version: '1.0.0' }, options);
      setup(server);
      return server;
    });
    await new Promise<void>((resolve) => started.#http.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#http.address() as AddressInfo).port)}/mcp`;
  }

  /** The requests with a method. */
  of(method: string): SdkServer['received'] {
    return this.received.filter((message) => message.method === method);
  }

  /** The server of the newest session. */
  get newest(): Server {
    const session = [...this.sessions.values()].at(-1);
    if (session === undefined) throw new Error('no session');
    return session.server;
  }

  /** Forgets every session, as a server does that was restarted. */
  async forget(): Promise<void> {
    const all = [...this.sessions.values()];
    this.sessions.clear();
    await Promise.all(all.map(({ transport }) => transport.close()));
  }

  async stop(): Promise<void> {
    await this.forget();
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#http.close(() => {
        resolve();
      });
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    try {
      for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
      const body = text === '' ? undefined : (JSON.parse(text) as SdkServer['received'][number]);
      if (body !== undefined) this.received.push(body);
      const id = request.headers['mcp-session-id'];
      const known = typeof id === 'string' ? this.sessions.get(id)?.transport : undefined;
      if (known !== undefined) await known.handleRequest(request, response, body);
      else if (body?.method === 'initialize') await this.#begin(request, response, body);
      else response.writeHead(404).end();
    } catch {
      response.destroy();
    }
  }

  async #begin(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    await this.gate;
    const server = this.#make();
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      ...(this.eventStore === undefined ? {} : { eventStore: this.eventStore, retryInterval: 10 }),
      onsessioninitialized: (id) => void this.sessions.set(id, { server, transport }),
      onsessionclosed: (id) => void this.sessions.delete(id),
    });
    await server.connect(transport);
    await transport.handleRequest(request, response, body);
  }
}

/** Keeps events in memory. */
export function memoryEvents(): EventStore {
  const events: { readonly stream: string; readonly message: Parameters<EventStore['storeEvent']>[1] }[] = [];
  return {
    storeEvent: (stream, message) => Promise.resolve(String(events.push({ stream, message }) - 1)),
    replayEventsAfter: async (last, { send }) => {
      const stream = events[Number(last)]?.stream ?? '';
      for (const [index, event] of events.entries())
        if (index > Number(last) && event.stream === stream) await send(String(index), event.message);
      return stream;
    },
  };
}
