import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { completions, fixedPrompts } from '../shared/prompts';

/** Offers the prompts and the completion of their arguments. */
export function offerPrompts({ server }: McpServer): void {
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: Object.entries(fixedPrompts).map(([name, prompt]) => ({
      name,
      description: prompt.description,
      arguments: Object.entries(prompt.arguments).map(([argument, description]) => ({ name: argument, description, required: true })),
    })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => {
    const prompt = new Map(Object.entries(fixedPrompts)).get(params.name);
    if (prompt === undefined) throw new McpError(ErrorCode.InvalidParams, `There is no prompt ${params.name}`);
    return { messages: prompt.messages(params.arguments ?? {}).map((content) => ({ role: 'user', content })) };
  });
  server.setRequestHandler(CompleteRequestSchema, ({ params: { argument } }) => {
    const values = completions.filter((value) => value.startsWith(argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
}
