import http from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

/** A JSON-RPC message, as an agent sees it. */
export interface Rpc {
  readonly jsonrpc?: string;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: { readonly kind?: string } };
}

/** One HTTP answer of the proxy. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The messages in it, whether it is JSON or an event stream. */
  readonly messages: readonly Rpc[];
}

/** A proxy that runs, and a token for it. */
export interface Reachable {
  readonly port: number;
  readonly socket: string;
  readonly token: string;
}

interface Target {
  readonly port?: number;
  readonly socketPath?: string;
}

/** An agent that speaks plain HTTP, so that every byte of it can be chosen and every byte of the answer seen. */
export class Agent {
  readonly #target: Target;
  readonly #path: string;
  readonly #headers: OutgoingHttpHeaders;
  /** Connections of its own, so that agents do not disturb each other. */
  readonly #connections = new http.Agent({ keepAlive: true });
  session: string | undefined;
  #ids = 100;

  /** @param server without it: all servers together. */
  constructor(
    serving: Reachable,
    server?: string,
    { socket = false, headers = {} }: { socket?: boolean; headers?: OutgoingHttpHeaders } = {},
  ) {
    this.#target = socket ? { socketPath: serving.socket } : { port: serving.port };
    this.#path = server === undefined ? '/mcp' : `/mcp/${server}`;
    this.#headers = {
      authorization: `Bearer ${serving.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    };
  }

  /** The handshake; later requests are in its session. */
  async initialize(capabilities: object = {}): Promise<Answer> {
    const answer = await this.call('initialize', {
      protocolVersion: '2025-11-25',
      capabilities,
      clientInfo: { name: 'raw', version: '1' },
    });
    const session = answer.headers['mcp-session-id'];
    this.session = typeof session === 'string' ? session : undefined;
    if (answer.messages[0]?.result !== undefined) await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  /** A request. */
  call(method: string, params?: object, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    this.#ids += 1;
    return this.post({ jsonrpc: '2.0', id: this.#ids, method, ...(params === undefined ? {} : { params }) }, headers);
  }

  /** A tool call. */
  tool(name: string, args: object = {}, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.call('tools/call', { name, arguments: args }, headers);
  }

  /** Any body. */
  post(body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.send('POST', typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body), headers);
  }

  /** Any request, read to its end. */
  async send(method: string, body?: string | Buffer, headers: OutgoingHttpHeaders = {}, path = this.#path): Promise<Answer> {
    const response = await this.open(method, body, headers, path);
    const text = await read(response);
    return { status: response.statusCode ?? 0, headers: response.headers, body: text, messages: messagesOf(response, text) };
  }

  /** Any request, until its answer begins. */
  open(method: string, body?: string | Buffer, headers: OutgoingHttpHeaders = {}, path = this.#path): Promise<IncomingMessage> {
    return this.begin(method, body, headers, path).response;
  }

  /** Any request, which can be broken off. */
  begin(
    method: string,
    body?: string | Buffer,
    headers: OutgoingHttpHeaders = {},
    path = this.#path,
  ): { response: Promise<IncomingMessage>; abort: () => void } {
    const session = this.session === undefined ? {} : { 'mcp-session-id': this.session };
    const all = dropUndefined({ ...this.#headers, ...session, ...headers });
    const request = http.request({ host: '127.0.0.1', ...this.#target, agent: this.#connections, method, path, headers: all });
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', reject);
      request.end(body);
    });
    return { response, abort: () => void request.destroy() };
  }

  /** Drops its connections. */
  close(): void {
    this.#connections.destroy();
  }
}

/** A header given as undefined is not sent. */
function dropUndefined(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

async function read(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}

function messagesOf(response: IncomingMessage, text: string): Rpc[] {
  if (text === '') return [];
  if (response.headers['content-type'] === 'text/event-stream') return eventsOf(text).map((data) => JSON.parse(data) as Rpc);
  const value = JSON.parse(text) as Rpc | Rpc[];
  return Array.isArray(value) ? value : [value];
}

/** The data of each complete event in a stream. */
export function eventsOf(text: string): string[] {
  return text.split('\n\n').flatMap((event) => {
    const data = event.split('\n').filter((line) => line.startsWith('data:'));
    const joined = data.map((line) => line.slice(5).trimStart()).join('\n');
    return joined === '' ? [] : [joined];
  });
}

/** Sends bytes to a port and returns the answer, or what came of it when the other side closes. */
export function rawExchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const [head = '', body] = text.split('\r\n\r\n', 2);
      const length = /^content-length: (\d+)$/im.exec(head)?.[1];
      if (body !== undefined && length !== undefined && body.length >= Number(length)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(text);
    });
    socket.write(bytes);
  });
}
