import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';

/** One request as the upstream received it. */
export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  /** The JSON-RPC method; undefined for GET and DELETE. */
  readonly method: string | undefined;
}

/** A real MCP server (Streamable HTTP, with sessions) in the test process. */
export interface HttpUpstream {
  readonly url: string;
  /** Every request so far, oldest first. */
  readonly received: readonly ReceivedRequest[];
  close(): Promise<void>;
}

/** @param makeServer makes the server of one session. */
export async function startHttpUpstream(makeServer: () => McpServer): Promise<HttpUpstream> {
  const received: ReceivedRequest[] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = incoming.method === 'POST' ? (JSON.parse(await textOf(incoming)) as { method?: string }) : undefined;
    received.push({ headers: incoming.headers, method: body?.method });
    const id = incoming.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    const transport = known ?? (await open());
    await transport.handleRequest(incoming, outgoing, body);
  };
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await makeServer().connect(transport);
    return transport;
  };

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => {
      outgoing.statusCode = 500;
      outgoing.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return {
    url: `http://127.0.0.1:${String(address.port)}/mcp`,
    received,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
