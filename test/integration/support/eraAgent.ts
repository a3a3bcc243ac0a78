import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import type { McpSubscription } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { agentAnswer } from '../../fixtures/eras/features';
import type { Reachable } from './agent';

/** A client of the first SDK, of the second one in the older era, of the second one in its own. */
export type AgentKind = 'v1' | 'v2 legacy' | 'v2 modern';

/** What can be said with a request. */
export interface Saying {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: number) => void;
  /** For the modern era: what to hear of the log during the call. */
  readonly logLevel?: string;
}

type Fields = Record<string, unknown>;

/** A real client of either SDK, used in the same way. It answers whatever a server asks, and keeps what it hears. */
export interface EraAgent {
  readonly asked: string[];
  readonly heard: { readonly method: string; readonly params?: Fields | undefined }[];
  readonly serverVersion: unknown;
  readonly capabilities: Fields | undefined;
  readonly instructions: string | undefined;
  request(method: string, params?: Fields, saying?: Saying): Promise<Fields>;
  tool(name: string, args?: Fields, saying?: Saying): Promise<Fields>;
  /** Wants to hear of changes of this resource, and of all lists. */
  subscribe(uri: string): Promise<void>;
  setLevel(level: string): Promise<void>;
  close(): Promise<void>;
}

const all = { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} };

/** Connects a client to a server behind a proxy. */
export async function connectAgent(kind: AgentKind, proxy: Reachable, server: string, capabilities: Fields = all): Promise<EraAgent> {
  const url = new URL(`http://127.0.0.1:${String(proxy.port)}/mcp${server === '' ? '' : `/${server}`}`);
  const requestInit = { headers: { authorization: `Bearer ${proxy.token}` } };
  return kind === 'v1' ? connectV1(url, requestInit, capabilities) : connectV2(kind, url, requestInit, capabilities);
}

async function connectV1(url: URL, requestInit: RequestInit, capabilities: Fields): Promise<EraAgent> {
  const client = new LegacyClient({ name: 'agent one', version: '1' }, { capabilities });
  const asked: string[] = [];
  const heard: EraAgent['heard'] = [];
  const answer = ({ method }: { method: string }): never => {
    asked.push(method);
    return agentAnswer(method) as never;
  };
  if (capabilities.elicitation !== undefined) client.setRequestHandler(ElicitRequestSchema, answer);
  if (capabilities.sampling !== undefined) client.setRequestHandler(CreateMessageRequestSchema, answer);
  if (capabilities.roots !== undefined) client.setRequestHandler(ListRootsRequestSchema, answer);
  client.fallbackNotificationHandler = ({ method, params }) => {
    heard.push({ method, params });
    return Promise.resolve();
  };
  const transport = new LegacyTransport(url, { requestInit });
  await client.connect(transport);
  const request: EraAgent['request'] = (method, params, saying = {}) =>
    client.request({ method, ...(params === undefined ? {} : { params }) }, ResultSchema, {
      ...(saying.signal === undefined ? {} : { signal: saying.signal }),
      ...(saying.onProgress === undefined ? {} : { onprogress: ({ progress }) => saying.onProgress?.(progress) }),
    });
  return {
    asked,
    heard,
    serverVersion: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
    request,
    tool: (name, args = {}, saying) => request('tools/call', { name, arguments: args }, saying),
    subscribe: async (uri) => {
      await request('resources/subscribe', { uri });
    },
    setLevel: async (level) => {
      await request('logging/setLevel', { level });
    },
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

async function connectV2(kind: AgentKind, url: URL, requestInit: RequestInit, capabilities: Fields): Promise<EraAgent> {
  const modern = kind === 'v2 modern';
  const client = new ModernClient(
    { name: 'agent two', version: '2' },
    { capabilities, ...(modern ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {}) },
  );
  const asked: string[] = [];
  const heard: EraAgent['heard'] = [];
  const answer = ({ method }: { method: string }): never => {
    asked.push(method);
    return agentAnswer(method) as never;
  };
  if (capabilities.elicitation !== undefined) client.setRequestHandler('elicitation/create', answer);
  if (capabilities.sampling !== undefined) client.setRequestHandler('sampling/createMessage', answer);
  if (capabilities.roots !== undefined) client.setRequestHandler('roots/list', answer);
  client.fallbackNotificationHandler = ({ method, params }) => {
    heard.push({ method, params: params });
    return Promise.resolve();
  };
  const transport = new ModernTransport(url, { requestInit });
  await client.connect(transport);
  let subscription: McpSubscription | undefined;
  const request: EraAgent['request'] = (method, params = {}, saying = {}) => {
    const meta =
      saying.logLevel === undefined
        ? {}
        : { _meta: { ...(params._meta as Fields | undefined), 'io.modelcontextprotocol/logLevel': saying.logLevel } };
    return client.request({ method, params: { ...params, ...meta } } as never, {
      ...(saying.signal === undefined ? {} : { signal: saying.signal }),
      ...(saying.onProgress === undefined ? {} : { onprogress: ({ progress }: { progress: number }) => saying.onProgress?.(progress) }),
    });
  };
  return {
    asked,
    heard,
    serverVersion: client.getServerVersion(),
    capabilities: client.getServerCapabilities() as Fields | undefined,
    instructions: client.getInstructions(),
    request,
    tool: (name, args = {}, saying) => request('tools/call', { name, arguments: args }, saying),
    subscribe: async (uri) => {
      if (modern) subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
      else await request('resources/subscribe', { uri });
    },
    setLevel: async (level) => {
      if (!modern) await request('logging/setLevel', { level });
    },
    close: async () => {
      await subscription?.close();
      if (!modern) await transport.terminateSession();
      await client.close();
    },
  };
}
