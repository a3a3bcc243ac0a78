import type { CallToolResult, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server';
import type { CreatedTask } from './tasks';

/** What a tool of the 2026-07-28 era may answer. */
export type ModernResult = CallToolResult | InputRequiredResult | CreatedTask;

/** A tool of the 2026-07-28 era. */
export interface ModernTool {
  readonly description: string;
  readonly inputSchema: { type: 'object'; [keyword: string]: unknown };
  call(args: Readonly<Record<string, unknown>>, context: ServerContext): ModernResult | Promise<ModernResult>;
}

/** What the client has declared with this request. */
export interface Declared {
  readonly elicitation?: unknown;
  readonly sampling?: unknown;
  readonly roots?: unknown;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The capabilities that the client has declared with a request. */
export function declaredIn({ mcpReq }: ServerContext): Declared {
  const envelope: Readonly<Record<string, unknown>> | undefined = mcpReq.envelope;
  return envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {};
}

/** A result that is one text. */
export function textResult(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}
