import { setImmediate } from 'node:timers/promises';
import type { FunctionServer } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import { inTurns } from '../../shared/steps';
import { decodedInSteps } from '../../shared/utf8';
import type { Call } from '../call';
import type { Injection, Injector } from '../injector';
import { Redactor } from '../interceptors/redactor';
import { isBatch, isRequest, objectAt, stringAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import { LARGE } from '../largeMessage';
import type { Pipeline } from '../pipeline';
import type { Post, Upstream, Visit } from '../visit';
import { replyLimit, wholeBody } from './body';
import { callTimes } from './deadline';
import type { Connections } from './request';

/** For answers of our own. */
const NOTHING = new Redactor([]);

const LATEST_VERSION = '2025-11-25';
const VERSIONS: readonly string[] = ['2024-11-05', '2025-03-26', '2025-06-18', LATEST_VERSION];

/** What a function upstream needs of the rest. */
export interface FunctionUpstreamOptions {
  readonly injector: Injector;
  readonly pipeline: Pipeline;
  readonly connections: Connections;
  readonly callTimeoutMs: () => number;
}

/** A plain HTTP endpoint as an MCP server: the proxy speaks MCP for it and POSTs each tool call to it. Keeps no sessions. */
export class FunctionUpstream implements Upstream {
  readonly #options: FunctionUpstreamOptions;

  constructor(options: FunctionUpstreamOptions) {
    this.#options = options;
  }

  async post(post: Post): Promise<void> {
    if (post.calls.length === 0) {
      post.reply.empty(202);
      return;
    }
    const answers: string[] = [];
    for (const message of post.messages) {
      const call = isRequest(message) ? post.calls.find((c) => c.id === message.id) : undefined;
      if (call !== undefined && isRequest(message)) answers.push(await this.#answer(message, call, post));
    }
    const batch = isBatch(post.body);
    post.reply.json(batch ? `[${answers.join(',')}]` : (answers[0] ?? ''));
  }

  listen({ reply }: Visit): Promise<void> {
    reply.empty(405);
    return Promise.resolve();
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  async #answer(request: Request, call: Call, post: Post): Promise<string> {
    const server = post.server as FunctionServer;
    const result = request.method === 'tools/call' ? await this.#callTool(server, request, call, post) : describeServer(server, request);
    const answer: Message =
      result === undefined
        ? { jsonrpc: '2.0', id: request.id, error: { code: -32601, message: 'Method not found' } }
        : { jsonrpc: '2.0', id: request.id, ...result.body };
    this.#options.pipeline.answered(call, answer);
    const text = JSON.stringify(answer);
    const redactor = result?.injection?.redactor ?? NOTHING;
    return this.#options.pipeline.outgoing(text, { server, redactor, message: answer, call });
  }

  async #callTool(server: FunctionServer, request: Request, call: Call, post: Post): Promise<Answer> {
    const name = stringAt(request.params, 'name') ?? '';
    if (!server.tools.some((tool) => tool.name === name)) {
      return { body: { error: { code: -32602, message: `Unknown tool: ${name}` } } };
    }
    const injection = await this.#options.injector.inject(server, undefined, [name]);
    call.versions = injection.versions;
    const given = objectAt(request.params, 'arguments') ?? {};
    const secrets = Object.keys(injection.body).length > 0 ? { secrets: injection.body } : {};
    const body = JSON.stringify({ ...given, ...secrets });
    const { silenceMs, ceilingMs } = callTimes(server, [call], this.#options.callTimeoutMs);
    const response = await this.#options.connections.send({
      server: server.name,
      method: 'POST',
      url: server.url,
      headers: [
        'accept',
        'application/json, text/plain;q=0.9, */*;q=0.1',
        'accept-encoding',
        'identity',
        ...Object.entries(server.headers).flat(),
        'content-type',
        'application/json',
        'content-length',
        String(Buffer.byteLength(body)),
        ...Object.entries(injection.headers).flat(),
      ],
      body,
      idleMs: silenceMs,
      maxMs: ceilingMs,
      repeatable: false,
      onCancel: (cancel) => {
        post.reply.onAbandoned(cancel);
      },
    });
    const { status } = response;
    const bytes = await wholeBody(response, server.name, replyLimit(server));
    const text = bytes.length <= LARGE ? bytes.toString() : await inTurns(decodedInSteps(bytes));
    if (status === 401 || status === 403) {
      throw new SecretsError('upstreamRefused', { server: server.name, status, secrets: Object.keys(injection.versions) });
    }
    const result = toolResult(text, response.headers['content-type'] ?? '', status);
    // To read a large one was enough work for one turn: it is written in another.
    if (text.length > LARGE) await setImmediate();
    return { injection, body: { result } };
  }
}

interface Answer {
  readonly body: Pick<Message, 'result' | 'error'>;
  readonly injection?: Injection;
}

function describeServer(server: FunctionServer, request: Request): Answer | undefined {
  switch (request.method) {
    case 'initialize': {
      const wanted = stringAt(request.params, 'protocolVersion') ?? '';
      const protocolVersion = VERSIONS.includes(wanted) ? wanted : LATEST_VERSION;
      return { body: { result: { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: server.name, version: '1' } } } };
    }
    case 'ping':
      return { body: { result: {} } };
    case 'tools/list':
      return { body: { result: { tools: server.tools } } };
    default:
      return undefined;
  }
}

/** A reply as tool content: JSON objects are structured content as well; a failure is one of the tool, not of the protocol. */
function toolResult(text: string, type: string, status: number): Record<string, unknown> {
  const failed = status >= 400 ? { isError: true } : {};
  const shown = status >= 400 ? `HTTP ${String(status)}${text === '' ? '' : `: ${text}`}` : text;
  const content = [{ type: 'text', text: shown }];
  if (status < 400 && type.includes('json')) {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { content, structuredContent: value };
    } catch {
      return { content, isError: true };
    }
  }
  return { content, ...failed };
}
