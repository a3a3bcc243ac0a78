import { fromJsonSchema, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { CallToolResult, McpServer } from '@modelcontextprotocol/server';
import { fixedTools } from '../shared/tools';
import { askingTools } from './askingTools';
import { speakingTools } from './speakingTools';
import type { Announcer } from './speakingTools';
import { taskTools } from './taskTools';
import type { Tasks } from './tasks';
import type { ModernTool } from './tool';

/** Offers the tools. */
export function offerTools(mcp: McpServer, announce: Announcer, tasks: Tasks): void {
  const tools = new Map<string, ModernTool>(
    Object.entries({ ...fixed(), ...speakingTools(announce), ...askingTools, ...taskTools(tasks) }),
  );
  // The SDK lists them, and compares headers with their schemas. It calls none: it would make a tool's error of every error.
  for (const [name, { description, inputSchema }] of tools) {
    mcp.registerTool(name, { description, inputSchema: fromJsonSchema(inputSchema) }, () => ({ content: [] }));
  }
  mcp.server.setRequestHandler('tools/call', async ({ params }, context) => {
    const tool = tools.get(params.name);
    if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${params.name}`);
    // A created task is a result that the SDK passes on, but has no type for.
    return (await tool.call(params.arguments ?? {}, context)) as CallToolResult;
  });
}

function fixed(): Record<string, ModernTool> {
  const entries = Object.entries(fixedTools).map(([name, { description, inputSchema, content, isError }]): [string, ModernTool] => [
    name,
    { description, inputSchema, call: () => ({ content, ...(isError === undefined ? {} : { isError }) }) },
  ]);
  return Object.fromEntries(entries);
}
