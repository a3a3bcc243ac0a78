import * as v2 from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';

type Values = Record<string, unknown>;

/** What a client may give with a request. */
export interface AskOptions {
  readonly signal?: AbortSignal;
  readonly onprogress?: (progress: Values) => void;
}

/** A real client of either generation of the SDK, by method names, so that one test serves both. Answers come as they are. */
export interface FeatureClient {
  /** What servers have told it, in order. */
  readonly heard: readonly { readonly method: string; readonly params: unknown }[];
  /** What it was asked, in order. */
  readonly asked: readonly { readonly method: string; readonly params: unknown }[];
  readonly serverCapabilities: unknown;
  readonly serverVersion: unknown;
  request(method: string, params?: Values, options?: AskOptions): Promise<Values>;
  notify(method: string, params?: Values): Promise<void>;
  close(): Promise<void>;
}

/** How a client answers what it is asked: by method. Other methods do not exist for it. */
export type Answers = Readonly<Record<string, (params: unknown) => Values>>;

const info = { name: 'features', version: '1.0.0' };

/** What the clients declare. */
export const declared = {
  sampling: { tools: {} },
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
  experimental: { 'acme/anything': { version: 7 } },
  extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } },
};

type Connect = (url: URL, headers: Record<string, string>, answers: Answers) => Promise<FeatureClient>;

/** A client of the second generation, of the 2025-11-25 era unless another one is pinned. */
const connectV2 =
  (options: v2.ClientOptions): Connect =>
  async (url, headers, answers) => {
    const client = new v2.Client(info, { capabilities: declared, ...options });
    const record = new Recorder(answers);
    client.fallbackRequestHandler = ({ method, params }) => record.answer(method, params);
    client.fallbackNotificationHandler = ({ method, params }) => record.hear(method, params);
    const transport = new v2.StreamableHTTPClientTransport(url, { requestInit: { headers } });
    await client.connect(transport);
    return record.with({
      serverCapabilities: client.getServerCapabilities(),
      serverVersion: client.getServerVersion(),
      request: (method, params, options) =>
        client.request({ method, ...(params === undefined ? {} : { params }) }, z.looseObject({}), options),
      notify: (method, params) => client.notification({ method, ...(params === undefined ? {} : { params }) }),
      close: async () => {
        await transport.terminateSession();
        await client.close();
      },
    });
  };

/** Connects a client; `modern`: of the second generation, in the era of 2026-07-28. @param headers go with every request. */
export const connect: Readonly<Record<'v1' | 'v2' | 'modern', Connect>> = {
  v1: async (url, headers, answers) => {
    const client = new V1Client(info, { capabilities: declared });
    const record = new Recorder(answers);
    client.fallbackRequestHandler = ({ method, params }) => record.answer(method, params);
    client.fallbackNotificationHandler = ({ method, params }) => record.hear(method, params);
    const transport = new V1Transport(url, { requestInit: { headers } });
    await client.connect(transport);
    return record.with({
      serverCapabilities: client.getServerCapabilities(),
      serverVersion: client.getServerVersion(),
      request: (method, params, options) => client.request({ method, params }, ResultSchema, options),
      notify: (method, params) => client.notification({ method, params }),
      close: async () => {
        await transport.terminateSession();
        await client.close();
      },
    });
  },
  v2: connectV2({}),
  modern: connectV2({ versionNegotiation: { mode: { pin: '2026-07-28' } } }),
};

/** Writes down what a client hears and is asked. */
class Recorder {
  readonly heard: { method: string; params: unknown }[] = [];
  readonly asked: { method: string; params: unknown }[] = [];
  readonly #answers: Map<string, (params: unknown) => Values>;

  constructor(answers: Answers) {
    this.#answers = new Map(Object.entries(answers));
  }

  hear(method: string, params: unknown): Promise<void> {
    this.heard.push({ method, params });
    return Promise.resolve();
  }

  answer(method: string, params: unknown): Promise<Values> {
    this.asked.push({ method, params });
    const answer = this.#answers.get(method);
    return answer === undefined ? Promise.reject(new Error(`no ${method} here`)) : Promise.resolve(answer(params));
  }

  with(client: Omit<FeatureClient, 'heard' | 'asked'>): FeatureClient {
    return { ...client, heard: this.heard, asked: this.asked };
  }
}
