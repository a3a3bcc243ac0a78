import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type {
  ClientCapabilities,
  ElicitRequest,
  InitializeResult,
  LoggingMessageNotification,
  Root,
} from '@modelcontextprotocol/sdk/types.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  InitializeResultSchema,
  LATEST_PROTOCOL_VERSION,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { until } from './eventually';
import type { Serving } from './serving';

const everything: ClientCapabilities = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } };

/** A real client of the SDK that answers whatever a server asks, and keeps what it hears. */
export class TestClient {
  readonly client: Client;
  readonly logs: LoggingMessageNotification['params'][] = [];
  readonly updated: string[] = [];
  readonly elicitations: ElicitRequest['params'][] = [];
  readonly sampled: unknown[] = [];
  listChanges = 0;
  roots: Root[] = [{ uri: 'file:///first', name: 'first' }];
  elicitAnswer: { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string | number | boolean | string[]> } = {
    action: 'accept',
    content: { name: 'Ada' },
  };

  constructor(capabilities: ClientCapabilities = everything) {
    this.client = new Client({ name: 'integration', version: '1.0.0' }, { capabilities });
    if (capabilities.sampling !== undefined) {
      this.client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
        this.sampled.push(params);
        return { model: 'scripted', role: 'assistant', content: { type: 'text', text: 'the sampled words' } };
      });
    }
    if (capabilities.elicitation !== undefined) {
      this.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        this.elicitations.push(params);
        return this.elicitAnswer;
      });
    }
    if (capabilities.roots !== undefined) this.client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: this.roots }));
    this.client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void this.logs.push(params));
    this.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void this.updated.push(params.uri));
    this.client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void (this.listChanges += 1));
  }

  /** Connects through the proxy. */
  static async proxied(serving: Serving, server: string, capabilities?: ClientCapabilities): Promise<TestClient> {
    return TestClient.http(serving.at(server), { authorization: `Bearer ${serving.token}` }, capabilities);
  }

  /**
   * Connects to all servers together, and waits until each has joined or failed. Only one session: another one would start all
   * children again, and a slow machine never does that in the time that a handshake waits for them.
   */
  static async all(serving: Serving, path = '/mcp'): Promise<TestClient> {
    const result = await TestClient.http(new URL(path, serving.url), { authorization: `Bearer ${serving.token}` });
    await until('all servers have joined', async () => {
      const { _meta } = await result.client.listTools();
      const skipped = (_meta?.['mcp-secrets/skipped'] ?? []) as { reason: string }[];
      return !skipped.some(({ reason }) => reason.includes('join when') || reason.includes('joins when'));
    });
    return result;
  }

  /** Connects to an HTTP server. */
  static async http(url: URL, headers: Record<string, string> = {}, capabilities?: ClientCapabilities): Promise<TestClient> {
    const result = new TestClient(capabilities);
    await result.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    return result;
  }

  /** Starts a stdio server and connects to it. */
  static async stdio(command: string, args: string[], cwd: string, capabilities?: ClientCapabilities): Promise<TestClient> {
    const result = new TestClient(capabilities);
    await result.connect(new StdioClientTransport({ command, args, cwd, stderr: 'ignore' }));
    return result;
  }

  async connect(transport: Transport): Promise<void> {
    await this.client.connect(transport);
  }

  /** What the proxy says in the handshake of this session now: servers may have joined since the first time. */
  async greeting(): Promise<InitializeResult> {
    const params = {
      protocolVersion: LATEST_PROTOCOL_VERSION,
      capabilities: everything,
      clientInfo: { name: 'integration', version: '1.0.0' },
    };
    return this.client.request({ method: 'initialize', params }, InitializeResultSchema);
  }

  /** The first text of a tool's result. */
  async text(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const { content } = await this.client.callTool({ name, arguments: args });
    const [first] = content as { text?: string }[];
    return first?.text ?? '';
  }

  /** Ends the session as a good client does. */
  async close(): Promise<void> {
    if (this.client.transport instanceof StreamableHTTPClientTransport) await this.client.transport.terminateSession();
    await this.client.close();
  }
}
