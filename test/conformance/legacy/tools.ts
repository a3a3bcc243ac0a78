import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { fixedTools } from '../shared/tools';
import { elicitingTools } from './elicitingTools';
import { speakingTools } from './speakingTools';
import type { LegacyTool } from './tool';

const tools = new Map<string, LegacyTool>(Object.entries({ ...fixed(), ...speakingTools, ...elicitingTools }));

/** Offers the tools. */
export function offerTools({ server }: McpServer): void {
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [...tools].map(([name, { description, inputSchema }]) => ({ name, description, inputSchema })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const tool = tools.get(params.name);
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `There is no tool ${params.name}`);
    return tool.call(params.arguments ?? {}, extra);
  });
}

function fixed(): Record<string, LegacyTool> {
  const entries = Object.entries(fixedTools).map(([name, { description, inputSchema, content, isError }]): [string, LegacyTool] => [
    name,
    { description, inputSchema, call: () => ({ content, ...(isError === undefined ? {} : { isError }) }) },
  ]);
  return Object.fromEntries(entries);
}
