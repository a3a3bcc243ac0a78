import type { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { requireTasks } from './taskTools';
import type { Tasks } from './tasks';

const oneTask = z.looseObject({ taskId: z.string() });

/** Offers the methods of the extension for tasks. */
export function offerTasks({ server }: McpServer, tasks: Tasks): void {
  server.setRequestHandler('tasks/get', { params: oneTask }, ({ taskId }, context) => {
    requireTasks(context);
    return tasks.get(taskId).detail;
  });
  server.setRequestHandler('tasks/update', { params: oneTask }, ({ taskId }, context) => {
    requireTasks(context);
    tasks.get(taskId).update(context.mcpReq.inputResponses ?? {});
    return {};
  });
  server.setRequestHandler('tasks/cancel', { params: oneTask }, ({ taskId }, context) => {
    requireTasks(context);
    tasks.get(taskId).cancel();
    return {};
  });
}
