import { Agent, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Where an MCP server answers, and what a client must send along. */
export interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The reply to a tool call: its first text, and how long it took from sending to having it whole. */
export interface CallAnswer {
  readonly text: string;
  readonly milliseconds: number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly json: string;
  readonly receivedAt: number;
}

interface Reply {
  readonly id?: unknown;
  readonly error?: { readonly message?: string };
  readonly result?: {
    readonly protocolVersion?: string;
    readonly isError?: boolean;
    readonly tools?: readonly { readonly name: string }[];
    readonly content?: readonly { readonly text?: string }[];
  };
}

const timeoutMilliseconds = 10_000;

/** The data of the first whole event that is an answer, or `undefined` while none has come. */
function answerIn(events: string): string | undefined {
  for (const event of events.split(/\r?\n\r?\n/).slice(0, -1)) {
    const data = event
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length).trimStart())
      .join('\n');
    // A priming event has no data, and a notification no result: neither is what the caller waits for.
    if (data.includes('"result"') || data.includes('"error"')) {
      return data;
    }
  }
  return undefined;
}

/** Reads an answer, JSON or event stream. An event stream has answered with its event, not with its end. */
function readAnswer(response: IncomingMessage, done: (answer: Answer) => void): void {
  const status = response.statusCode ?? 0;
  const { headers } = response;
  const isStream = headers['content-type']?.startsWith('text/event-stream') === true;
  let body = '';
  let answered = false;
  const answer = (json: string): void => {
    if (!answered) {
      answered = true;
      done({ status, headers, json, receivedAt: performance.now() });
    }
  };
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    body += chunk;
    const event = isStream && !answered ? answerIn(body) : undefined;
    if (event !== undefined) {
      answer(event);
    }
  });
  response.on('end', () => {
    answer(isStream ? '' : body);
  });
}

/**
 * One MCP session over Streamable HTTP (2025-11-25), on `node:http` alone: an SDK client would take longer
 * than what is measured. Answers are checked; anything but the right answer rejects.
 */
export class Session {
  readonly #endpoint: Endpoint;
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true });
  #headers: Record<string, string>;
  #lastId = 0;

  private constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#url = new URL(endpoint.url);
    this.#headers = {
      ...endpoint.headers,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    };
  }

  /** Does the handshake and makes sure that the tool `echo` is there. */
  static async open(endpoint: Endpoint): Promise<Session> {
    const session = new Session(endpoint);
    await session.#initialize();
    const { result } = (await session.#request('tools/list', {})).reply;
    if (result?.tools?.some((tool) => tool.name === 'echo') !== true) {
      throw new Error('tools/list has no tool "echo"');
    }
    return session;
  }

  /** Calls a tool and gives its first text. */
  async call(name: string, args: object): Promise<CallAnswer> {
    const { reply, milliseconds } = await this.#request('tools/call', { name, arguments: args });
    const text = reply.result?.content?.[0]?.text;
    if (text === undefined || reply.result?.isError === true) {
      throw new Error(`tools/call ${name} was answered with ${JSON.stringify(reply)}`);
    }
    return { text, milliseconds };
  }

  /** Drops the pooled connections: nobody's idle timeout may end one between two rounds, in mid-request. */
  dropConnections(): void {
    this.#agent.destroy();
  }

  /** Ends the session at the server, as far as it knows such a thing. */
  async close(): Promise<void> {
    await this.#send('DELETE', '').catch(() => undefined);
    this.#agent.destroy();
  }

  async #initialize(): Promise<void> {
    const { reply, answer } = await this.#request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'bench', version: '1.0.0' },
    });
    const session = answer.headers['mcp-session-id'];
    this.#headers = {
      ...this.#headers,
      'MCP-Protocol-Version': reply.result?.protocolVersion ?? '2025-11-25',
      ...(typeof session === 'string' ? { 'Mcp-Session-Id': session } : {}),
    };
    const { status } = await this.#send('POST', JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
    if (status !== 202) {
      throw new Error(`notifications/initialized was answered with status ${String(status)}`);
    }
  }

  async #request(method: string, params: object): Promise<{ reply: Reply; answer: Answer; milliseconds: number }> {
    const id = ++this.#lastId;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const sentAt = performance.now();
    const answer = await this.#send('POST', body);
    const milliseconds = answer.receivedAt - sentAt;
    if (answer.status !== 200) {
      throw new Error(`${method} was answered with status ${String(answer.status)}: ${answer.json}`);
    }
    const reply = JSON.parse(answer.json) as Reply;
    if (reply.id !== id || reply.error !== undefined) {
      throw new Error(`${method} ${String(id)} was answered with ${answer.json}`);
    }
    return { reply, answer, milliseconds };
  }

  #send(method: string, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        this.#url,
        {
          agent: this.#agent,
          method,
          headers: { ...this.#headers, 'Content-Length': Buffer.byteLength(body) },
          timeout: timeoutMilliseconds,
        },
        (response) => {
          response.on('error', reject);
          readAnswer(response, resolve);
        },
      );
      outgoing.on('error', reject);
      outgoing.on('timeout', () => {
        outgoing.destroy(new Error(`no answer from ${this.#endpoint.url} within ${String(timeoutMilliseconds)} ms`));
      });
      outgoing.end(body);
    });
  }
}
