import { setTimeout as pause } from 'node:timers/promises';
import { acceptedContent, inputRequired, MissingRequiredClientCapabilityError } from '@modelcontextprotocol/server';
import type { ServerContext } from '@modelcontextprotocol/server';
import { noArguments } from '../shared/schemas';
import { question } from './askingTools';
import type { Tasks, Work } from './tasks';
import { declaredIn, textResult } from './tool';
import type { ModernTool } from './tool';

/** The name of the extension for tasks (SEP-2663). */
export const tasksExtension = 'io.modelcontextprotocol/tasks';

/** @throws MissingRequiredClientCapabilityError if the client does not know tasks. */
export function requireTasks(context: ServerContext): void {
  if (!knowsTasks(context))
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [tasksExtension]: {} } } });
}

/** Tools that let a task do the work. */
export function taskTools(tasks: Tasks): Readonly<Record<string, ModernTool>> {
  const onlyAsTask =
    (work: Work): ModernTool['call'] =>
    (_, context) => {
      requireTasks(context);
      return tasks.start(work);
    };
  return {
    greet: {
      description: 'Answers at once',
      inputSchema: { type: 'object', properties: { name: { type: 'string' } } },
      call: ({ name }) => textResult(`Hello, ${String(name)}!`),
    },
    slow_compute: {
      description: 'Answers after some seconds: as a task where the client knows tasks',
      inputSchema: { type: 'object', properties: { seconds: { type: 'number' }, label: { type: 'string' } } },
      call: ({ seconds, label }, context) => {
        const work: Work = async ({ signal }) => {
          await pause(Number(seconds) * 1000, undefined, { signal, ref: false });
          return textResult(`${String(label)} took ${String(seconds)} s`);
        };
        if (knowsTasks(context)) return tasks.start(work);
        return work({ signal: context.mcpReq.signal, ask: () => Promise.reject(new Error('not in a task')) });
      },
    },
    failing_job: {
      description: 'A task whose tool fails',
      inputSchema: noArguments,
      call: onlyAsTask(async () => {
        await pause(200);
        return { ...textResult('The job did not work'), isError: true };
      }),
    },
    protocol_error_job: {
      description: 'A task that breaks',
      inputSchema: noArguments,
      call: onlyAsTask(() => Promise.reject(new Error('broken'))),
    },
    confirm_delete: {
      description: 'A task that asks before it deletes',
      inputSchema: { type: 'object', properties: { filename: { type: 'string' } } },
      call: onlyAsTask(async ({ ask }) => {
        await ask('confirm', question('Delete it?', 'confirm', 'boolean'));
        return textResult('Deleted');
      }),
    },
    multi_input: {
      description: 'A task that asks two things at once',
      inputSchema: noArguments,
      call: onlyAsTask(async ({ ask }) => {
        await Promise.all([ask('first', question('Your first name?', 'name')), ask('last', question('Your last name?', 'name'))]);
        return textResult('Both are here');
      }),
    },
    test_tool_with_task: {
      description: 'Asks for a name, then lets a task do the rest',
      inputSchema: noArguments,
      call: (_, context) => {
        requireTasks(context);
        const name = acceptedContent(context.mcpReq.inputResponses, 'user_name')?.name;
        if (typeof name !== 'string') return inputRequired({ inputRequests: { user_name: question('What is your name?', 'name') } });
        return tasks.start(() => Promise.resolve(textResult(`Done for ${name}`)));
      },
    },
  };
}

function knowsTasks(context: ServerContext): boolean {
  return declaredIn(context).extensions?.[tasksExtension] !== undefined;
}
