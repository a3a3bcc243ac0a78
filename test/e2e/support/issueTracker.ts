import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What a careless tool knows when it is called. */
export interface ToolCall {
  readonly query: string;
  /** The credential as the server got it; undefined when it got none. */
  readonly credential: string | undefined;
}

/** A server of the SDK with one tool that answers a query, and carelessly repeats its own credential in many ways. */
export function issueTracker(name: string, tool: string, credentialOf: (headers: unknown) => string | undefined): McpServer {
  const server = new McpServer({ name, version: '1.0.0' });
  server.registerTool(
    tool,
    { title: tool, description: `Finds issues in ${name}`, inputSchema: { query: z.string() } },
    ({ query }, { requestInfo }) => answer({ query, credential: credentialOf(requestInfo?.headers) }),
  );
  return server;
}

/** What stands in an answer for the credential that the server received; tells nothing about it. */
export function credentialProof(credential: string): string {
  return `proof:${createHash('sha256').update(credential).digest('hex').slice(0, 16)}`;
}

function answer({ query, credential }: ToolCall): CallToolResult {
  if (credential === undefined) return { isError: true, content: [{ type: 'text', text: 'no credential' }] };
  const bytes = Buffer.from(credential);
  const careless = [
    `#42 Login fails behind a proxy (${query})`,
    credentialProof(credential),
    `token=${credential}`,
    JSON.stringify({ token: credential }),
    `https://issues.example/?token=${encodeURIComponent(credential)}`,
    `Basic ${Buffer.from(`me:${credential}`).toString('base64')}`,
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
  return { content: [{ type: 'text', text: careless.join('\n') }] };
}
