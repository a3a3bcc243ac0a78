import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { patientFetch } from './patientFetch';

/** How long a call may take. */
export interface Patience {
  /** For the handshake, and for the call: ms. The proxy has limits of its own, and says more; this is for when it fails. */
  readonly timeout: number;
  /** Gives both up. */
  readonly signal: AbortSignal;
}

/**
 * Calls one tool of a server behind a proxy: handshake, call, end of session.
 * @throws what the SDK throws; its messages come from the proxy, which has redacted them.
 */
export async function callTool(
  url: URL,
  token: string,
  tool: string,
  args: Record<string, unknown>,
  patience: Patience,
): Promise<CallToolResult> {
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(url, { requestInit, fetch: patientFetch });
  const client = new Client({ name: 'mcp-secrets', version: '1' });
  await client.connect(transport, patience);
  try {
    // Servers tell their progress to those who ask for it, and with that go on for as long as they may.
    const options = { ...patience, onprogress: () => undefined };
    return CallToolResultSchema.parse(await client.callTool({ name: tool, arguments: args }, CallToolResultSchema, options));
  } finally {
    await transport.terminateSession().catch(() => undefined);
    await client.close();
  }
}
