import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SetLevelRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { offerPrompts } from './prompts';
import { offerResources } from './resources';
import { offerTools } from './tools';

/**
 * A server that implements all that the suite asks of one that speaks 2025-11-25, for one session. The tables of what it
 * offers go to the protocol as they are: the SDK's own registration would rebuild the JSON Schemas.
 */
export function legacyServer(): McpServer {
  const capabilities = {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    prompts: { listChanged: true },
    logging: {},
    completions: {},
  };
  const mcp = new McpServer({ name: 'conformance-legacy', version: '1.0.0' }, { capabilities });
  offerTools(mcp);
  offerResources(mcp);
  offerPrompts(mcp);
  mcp.server.setRequestHandler(SetLevelRequestSchema, () => ({}));
  return mcp;
}
