import type { OutgoingHttpHeaders } from 'node:http';
import type { Agent, Answer } from './agent';

const NAMES: Readonly<Record<string, string>> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' };

/** Posts requests of the revision 2026-07-28, every byte of which can be chosen. */
export class ModernPoster {
  readonly agent: Agent;
  readonly capabilities: object;
  #ids = 0;

  constructor(agent: Agent, capabilities: object = {}) {
    this.agent = agent;
    this.capabilities = capabilities;
  }

  /** The id of the request that was made last. */
  get lastId(): number {
    return this.#ids;
  }

  /** A correct request. */
  message(method: string, params: object): Record<string, unknown> {
    this.#ids += 1;
    const meta = {
      ...(params as { _meta?: object })._meta,
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': this.capabilities,
      'io.modelcontextprotocol/clientInfo': { name: 'poster', version: '1' },
    };
    return { jsonrpc: '2.0', id: this.#ids, method, params: { ...params, _meta: meta } };
  }

  /** The headers for a request. */
  headers({ method, params }: Record<string, unknown>): Record<string, string> {
    const source = Object.hasOwn(NAMES, String(method)) ? NAMES[String(method)] : undefined;
    const name = source === undefined ? undefined : (params as Record<string, unknown>)[source];
    return {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': String(method),
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    };
  }

  /** Makes a request. @param headers instead of, or besides, the correct ones; `undefined` leaves one out. */
  call(method: string, params: object, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    const message = this.message(method, params);
    return this.agent.post(message, { ...this.headers(message), ...headers });
  }
}
