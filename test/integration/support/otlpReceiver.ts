import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { attributesOf, decodeLogs } from '../../unit/support/otlpDecoder';
import type { AnyValue } from '../../unit/support/otlpDecoder';
import { listen } from './freePort';
import type { ReceivedEntry, Receiver } from './receiver';

/** What a receiver answers in place of accepting: before it looks at the entries, or because of them. */
export type OtlpScript = (entries: readonly ReceivedEntry[], response: ServerResponse) => boolean;

/** An OTLP receiver for logs over HTTP, which decodes what it gets with OpenTelemetry's message types. */
export class OtlpReceiver implements Receiver {
  readonly variable = 'MCP_SECRETS_OTLP';
  /** 0 until it was started for the first time. */
  #port = 0;
  readonly #entries: ReceivedEntry[] = [];
  /** The headers of each request that was accepted. */
  readonly headers: IncomingHttpHeaders[] = [];
  /** What did not decode. */
  readonly failures: unknown[] = [];
  /** Answers in its own way if it returns true; the entries do not count as arrived then. */
  script: OtlpScript = () => false;
  #server: Server | undefined;

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await receiver.start();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}/v1/logs`;
  }

  /** Starts it, again where it was. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#handle(request, response));
    this.#server = server;
    this.#port = await listen(server, this.#port);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  entries(): ReceivedEntry[] {
    return this.#entries;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
    try {
      if (request.method !== 'POST' || request.url !== '/v1/logs' || request.headers['content-type'] !== 'application/json')
        throw new Error(`${String(request.method)} ${String(request.url)}`);
      const entries = entriesOf(body);
      if (this.script(entries, response)) return;
      this.#entries.push(...entries);
      this.headers.push(request.headers);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}');
    } catch (error) {
      this.failures.push(error);
      response.writeHead(400).end();
    }
  }
}

function entriesOf(body: string): ReceivedEntry[] {
  const records = decodeLogs(body).resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
  return records.map((record) => {
    const { 'log.record.uid': id, ...attributes } = attributesOf(record);
    const fields = Object.entries(attributes).map(([key, value]) => [key.replace('mcp_secrets.', ''), textOf(value)] as const);
    const time = new Date(Number(BigInt(record.timeUnixNano) / 1_000_000n)).toISOString();
    return { ...Object.fromEntries(fields), id: id?.stringValue ?? '', time };
  });
}

/** As the syslog receiver has it. */
function textOf({ stringValue, intValue, arrayValue, kvlistValue }: AnyValue): string {
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(textOf).join(',');
  if (kvlistValue !== undefined) return (kvlistValue.values ?? []).map(({ key, value }) => `${key}=${textOf(value)}`).join(',');
  return stringValue ?? intValue ?? '';
}
