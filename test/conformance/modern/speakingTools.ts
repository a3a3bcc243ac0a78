import { setTimeout as pause } from 'node:timers/promises';
import { inputRequired } from '@modelcontextprotocol/server';
import { noArguments } from '../shared/schemas';
import { question } from './askingTools';
import { textResult } from './tool';
import type { ModernTool } from './tool';

/** Tells the clients that listen what has changed. */
export interface Announcer {
  toolsChanged(): void;
  promptsChanged(): void;
}

/** Tools that say something besides their answer, and the one whose arguments are in headers, too. */
export function speakingTools(announce: Announcer): Readonly<Record<string, ModernTool>> {
  return {
    test_tool_with_progress: {
      description: 'Reports its progress in three steps',
      inputSchema: noArguments,
      call: async (_, { mcpReq }) => {
        const progressToken = mcpReq._meta?.progressToken;
        for (const progress of [0, 50, 100]) {
          if (progressToken !== undefined) {
            await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
          }
          await pause(50);
        }
        return textResult('Tool with progress executed');
      },
    },
    test_logging_tool: {
      description: 'Sends a log message, if the client wants any',
      inputSchema: noArguments,
      call: async (_, { mcpReq }) => {
        const wanted = (mcpReq.envelope as Record<string, unknown> | undefined)?.['io.modelcontextprotocol/logLevel'] !== undefined;
        if (wanted) await mcpReq.notify({ method: 'notifications/message', params: { level: 'error', data: 'A log message' } });
        return textResult('Logged');
      },
    },
    test_missing_capability: {
      description: 'Needs the model of the client, whether the client has declared one or not',
      inputSchema: noArguments,
      call: () => inputRequired({ inputRequests: { words: inputRequired.createMessage({ messages: [], maxTokens: 10 }) } }),
    },
    test_streaming_elicitation: {
      description: 'Asks the user',
      inputSchema: noArguments,
      call: () => inputRequired({ inputRequests: { user_name: question('What is your name?', 'name') } }),
    },
    test_trigger_tool_change: {
      description: 'Announces that the tools have changed',
      inputSchema: noArguments,
      call: () => {
        announce.toolsChanged();
        return textResult('Announced');
      },
    },
    test_trigger_prompt_change: {
      description: 'Announces that the prompts have changed',
      inputSchema: noArguments,
      call: () => {
        announce.promptsChanged();
        return textResult('Announced');
      },
    },
    test_headers: {
      description: 'Has arguments that are in headers, too (SEP-2243)',
      inputSchema: {
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, query: { type: 'string' } },
      },
      call: ({ region }) => textResult(`Region: ${String(region)}`),
    },
  };
}
