import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';

/** What a tool knows of the call that it answers, and how it speaks to the client. */
export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** A tool of the 2025-11-25 era. */
export interface LegacyTool {
  readonly description: string;
  readonly inputSchema: { type: 'object'; [keyword: string]: unknown };
  call(args: Readonly<Record<string, unknown>>, extra: Extra): CallToolResult | Promise<CallToolResult>;
}

/** A result that is one text. */
export function textResult(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}

/** An input schema with one required text. */
export function oneText(name: string): LegacyTool['inputSchema'] {
  return { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] };
}
