import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

/** A running upstream, and what it got. */
export interface Upstream {
  readonly url: string;
  /** The headers of the newest tool call as they came: names and values in turn. */
  received(): readonly string[];
  stop(): Promise<void>;
}

/** The header, in lower case, in which this server wants its credential. */
const HEADER = 'x-mcp-secret-demo-api-key';

/**
 * A real MCP server (the SDK's, Streamable HTTP) with one tool, `whoami`, which needs a credential and is careless
 * with it: it answers with the credential in clear.
 */
export async function startUpstream(): Promise<Upstream> {
  let received: readonly string[] = [];
  const http = createServer((request, response) => {
    const server = new McpServer({ name: 'demo', version: '1.0.0' });
    server.registerTool('whoami', { description: 'Says who you are', inputSchema: { greeting: z.string() } }, ({ greeting }) => {
      received = request.rawHeaders;
      return { content: [{ type: 'text', text: `${greeting}, you came with the key ${String(request.headers[HEADER])}` }] };
    });
    // Without sessions: each request has its own transport.
    const transport = new StreamableHTTPServerTransport({});
    void server.connect(transport as Parameters<typeof server.connect>[0]).then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/mcp`,
    received: () => received,
    stop: () =>
      new Promise((resolve) => {
        http.close(() => {
          resolve();
        });
        http.closeAllConnections();
      }),
  };
}
