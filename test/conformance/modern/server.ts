import { McpServer } from '@modelcontextprotocol/server';
import { offerPrompts } from './prompts';
import { offerResources } from './resources';
import { skills } from './skills';
import type { Announcer } from './speakingTools';
import { stateCodec } from './state';
import { offerTasks } from './taskMethods';
import { tasksExtension } from './taskTools';
import { Tasks } from './tasks';
import { offerTools } from './tools';

/** The tasks of this process: over HTTP every request has a server of its own. */
const tasks = new Tasks();

/** A server that implements all that the suite asks of one that speaks 2026-07-28. */
export async function modernServer(announce: Announcer): Promise<McpServer> {
  const mcp = new McpServer(
    { name: 'conformance-modern', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { listChanged: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
        extensions: { [tasksExtension]: {} },
      },
      requestState: { verify: (state, context) => stateCodec.verify(state, context) },
    },
  );
  offerTools(mcp, announce, tasks);
  offerResources(mcp);
  offerPrompts(mcp);
  offerTasks(mcp, tasks);
  (await skills).attach(mcp);
  return mcp;
}
