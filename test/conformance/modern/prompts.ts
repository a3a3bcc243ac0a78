import { acceptedContent, completable, inputRequired } from '@modelcontextprotocol/server';
import type { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { completions, fixedPrompts } from '../shared/prompts';
import { question } from './askingTools';

/** Offers the prompts and the completion of their arguments. */
export function offerPrompts(mcp: McpServer): void {
  for (const [name, { description, arguments: names, messages }] of Object.entries(fixedPrompts)) {
    const argsSchema = z.object(Object.fromEntries(Object.entries(names).map(([key, text]) => [key, completed(text)])));
    mcp.registerPrompt(name, { description, argsSchema }, (args) => ({
      messages: messages(args).map((content) => ({ role: 'user', content })),
    }));
  }
  mcp.registerPrompt('test_input_required_result_prompt', { description: 'Asks for a context first (SEP-2322)' }, ({ mcpReq }) => {
    const context = acceptedContent(mcpReq.inputResponses, 'user_context')?.context;
    if (typeof context === 'string')
      return { messages: [{ role: 'user', content: { type: 'text', text: `In the context of ${context}` } }] };
    return inputRequired({ inputRequests: { user_context: question('What context should the prompt use?', 'context') } });
  });
}

function completed(description: string): z.ZodString {
  return completable(z.string().describe(description), (value) => completions.filter((word) => word.startsWith(value)));
}
