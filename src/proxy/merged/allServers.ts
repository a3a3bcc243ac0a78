import type { Server } from '../../bindings/server';
import { DEFAULT_SCOPE } from '../../vault/secret';

/** Whether an agent is offered every tool, or three tools to find, describe and call them. */
export type ToolsMode = 'all' | 'search';

/** The names under which all servers together go in the relay: with the setting's tools mode, or with one of its own. No server can have such a name. */
const NAMES = { '': '*', all: '*all', search: '*search' } as const;

/** The name for `/mcp` with a query string; `undefined` if the query asks for a mode that there is not. */
export function nameOfAll(query: string): string | undefined {
  const mode = new URLSearchParams(query).get('mode') ?? '';
  return Object.hasOwn(NAMES, mode) ? NAMES[mode as keyof typeof NAMES] : undefined;
}

/** Whether a name stands for all servers together. */
export function isAll(name: string): boolean {
  return name.startsWith('*');
}

/** The tools mode that a name asks for; `undefined` leaves it to the setting. */
export function modeIn(name: string): ToolsMode | undefined {
  return name === NAMES.all ? 'all' : name === NAMES.search ? 'search' : undefined;
}

/** All servers together as the relay sees a server: like a function, one for which the proxy itself speaks MCP. It has no secrets. */
export function allServers(name: string): Server {
  return known.get(name) ?? serverOf(name);
}

function serverOf(name: string): Server {
  return { type: 'function', name, url: '', headers: {}, tools: [], bindings: [], scope: DEFAULT_SCOPE };
}

const known = new Map(Object.values(NAMES).map((name) => [name as string, serverOf(name)]));
