import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';

/**
 * Calls one tool of a server behind a proxy: handshake, call, end of session.
 * @param timeout ms without a result. @throws what the SDK throws; its messages come from the proxy, which has redacted them.
 */
export async function callTool(
  url: URL,
  token: string,
  tool: string,
  args: Record<string, unknown>,
  timeout: number,
): Promise<CallToolResult> {
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${token}` } } });
  const client = new Client({ name: 'mcp-secrets', version: '1' });
  await client.connect(transport);
  try {
    const result = await client.callTool({ name: tool, arguments: args }, CallToolResultSchema, { timeout: timeout + 5_000 });
    return CallToolResultSchema.parse(result);
  } finally {
    await transport.terminateSession().catch(() => undefined);
    await client.close();
  }
}
