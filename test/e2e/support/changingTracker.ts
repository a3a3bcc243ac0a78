import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RegisteredTool } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

/** A server of the SDK with one tool, whose description can be changed in all of its sessions, of which it tells its clients. */
export class ChangingTracker {
  readonly #tools = new Set<RegisteredTool>();
  #description = 'Finds issues by a query';
  /** How often the tool was called. */
  calls = 0;

  /** The server of one session. */
  readonly server = (): McpServer => {
    const server = new McpServer({ name: 'github', version: '1.0.0' });
    this.#tools.add(
      server.registerTool('find_issues', { description: this.#description, inputSchema: { query: z.string() } }, ({ query }) => {
        this.calls += 1;
        return { content: [{ type: 'text', text: `found 3 issues for ${query}` }] };
      }),
    );
    return server;
  };

  /** What it says of its tool from now on. */
  describe(description: string): void {
    this.#description = description;
    for (const tool of this.#tools) tool.update({ description });
  }
}
