import { objectAt, stringAt } from '../jsonRpc';
import type { Item } from './catalog';
import type { ToolSearch } from './search';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 50;

const NAME = { type: 'string', description: 'The name of the tool, as find_tools gives it.' };

/** The three tools of the search mode, as a JSON array. */
export const SEARCH_TOOLS = JSON.stringify([
  {
    name: 'find_tools',
    title: 'Find tools',
    description: 'Finds tools by words of what they do. Gives names and one-line descriptions, the best match first.',
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'Words, such as "create issue". Empty: all tools by name.' },
        limit: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, description: `At most so many; default: ${String(DEFAULT_LIMIT)}.` },
      },
      required: ['query'],
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: 'describe_tool',
    title: 'Describe a tool',
    description: 'Gives the whole description of a tool with the JSON Schema of its arguments.',
    inputSchema: { type: 'object', properties: { name: NAME }, required: ['name'] },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: 'call_tool',
    title: 'Call a tool',
    description: 'Calls a tool and gives its result.',
    inputSchema: {
      type: 'object',
      properties: { name: NAME, arguments: { type: 'object', description: 'Its arguments, as its schema says.' } },
      required: ['name'],
    },
    annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
  },
]);

/** The result of `find_tools`. */
export function findTools(search: ToolSearch, args: unknown): object {
  const wish = (args as { limit?: unknown } | null | undefined)?.limit;
  const limit = typeof wish === 'number' && wish >= 1 ? Math.min(Math.floor(wish), MAX_LIMIT) : DEFAULT_LIMIT;
  const found = search.find(stringAt(args, 'query') ?? '', limit);
  if (found.length === 0) return text('No tool matches. Try other words, or an empty query for all tools.');
  return text(found.map(({ name, description }) => (description === '' ? name : `${name}: ${description}`)).join('\n'));
}

/** The result of `describe_tool`. @param toolOf the tool under the name that it is offered by. */
export function describeTool(toolOf: (name: string) => Item | undefined, args: unknown): object {
  const name = stringAt(args, 'name') ?? '';
  const tool = toolOf(name);
  return tool === undefined
    ? { ...text(`There is no tool "${name.slice(0, 128)}". Look for one with find_tools.`), isError: true }
    : text(JSON.stringify(tool));
}

/** The params of the call that `call_tool` stands for. Models are known to give the arguments as JSON text. */
export function calledTool(params: unknown): Readonly<Record<string, unknown>> {
  const given = objectAt(params, 'arguments') ?? {};
  const args = typeof given.arguments === 'string' ? parsed(given.arguments) : given.arguments;
  const call = new Map(Object.entries(objectAt({ params }, 'params') ?? {}));
  call.set('name', stringAt(given, 'name') ?? '');
  call.delete('arguments');
  if (args !== undefined) call.set('arguments', args);
  return Object.fromEntries(call);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function text(words: string): object {
  return { content: [{ type: 'text', text: words }] };
}
