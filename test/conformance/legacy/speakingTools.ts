import { setTimeout as pause } from 'node:timers/promises';
import { CreateMessageResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { noArguments } from '../shared/schemas';
import { oneText, textResult } from './tool';
import type { LegacyTool } from './tool';

/** Tools that say something before they answer: log messages, progress, a question to the model, or that the stream ends. */
export const speakingTools: Readonly<Record<string, LegacyTool>> = {
  test_tool_with_logging: {
    description: 'Sends three log messages',
    inputSchema: noArguments,
    call: async (_, { sendNotification }) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
        await pause(50);
      }
      return textResult('Tool with logging executed');
    },
  },
  test_tool_with_progress: {
    description: 'Reports its progress in three steps',
    inputSchema: noArguments,
    call: async (_, { _meta, sendNotification }) => {
      const progressToken = _meta?.progressToken;
      for (const progress of [0, 50, 100]) {
        if (progressToken !== undefined) {
          await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
        }
        await pause(50);
      }
      return textResult('Tool with progress executed');
    },
  },
  test_sampling: {
    description: 'Asks the model of the client',
    inputSchema: oneText('prompt'),
    call: async ({ prompt }, { sendRequest }) => {
      const params = { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: String(prompt) } }], maxTokens: 100 };
      const { content } = await sendRequest({ method: 'sampling/createMessage', params }, CreateMessageResultSchema);
      return textResult(`LLM response: ${content.type === 'text' ? content.text : content.type}`);
    },
  },
  test_reconnection: {
    description: 'Closes the stream before it answers, so that the client has to come back for the answer (SEP-1699)',
    inputSchema: noArguments,
    call: async (_, { closeSSEStream }) => {
      closeSSEStream?.();
      await pause(100);
      return textResult('Reconnection test completed');
    },
  },
};
