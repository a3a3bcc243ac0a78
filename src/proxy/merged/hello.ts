import { stringAt } from '../jsonRpc';

const LATEST_VERSION = '2025-11-25';
const VERSIONS: readonly string[] = ['2024-11-05', '2025-03-26', '2025-06-18', LATEST_VERSION];

/** How deep capabilities are looked into. */
const MAX_DEPTH = 6;

type Fields = Readonly<Record<string, unknown>>;

/** A server that is not offered, and why, in words. */
export interface Skipped {
  readonly server: string;
  readonly reason: string;
}

/** What a server said of itself in its handshake. */
export interface Introduction {
  readonly server: string;
  readonly capabilities: Fields;
  readonly instructions: string | undefined;
}

/** What any server may bring that joins later: a session's capabilities are told once. */
const ANY: Fields = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} };

/** The result of the handshake with all servers together. */
export function helloResult(params: unknown, members: readonly Introduction[], skipped: readonly Skipped[], search: boolean): Fields {
  const wanted = stringAt(params, 'protocolVersion') ?? '';
  return {
    protocolVersion: VERSIONS.includes(wanted) ? wanted : LATEST_VERSION,
    capabilities: unionOf(
      members.map(({ capabilities }) => capabilities),
      skipped.length > 0,
    ),
    serverInfo: { name: 'mcp-secrets', title: 'MCP Secrets: all servers', version: '1' },
    instructions: instructionsOf(members, skipped, search),
  };
}

/** The union of capabilities. Lists change when servers come and go, and what is wrong is logged: that can always be. */
function unionOf(all: readonly Fields[], more: boolean): Fields {
  const union = [...all, ...(more ? [ANY] : []), { tools: {}, logging: {} }].reduce((a, b) => bothOf(a, b, MAX_DEPTH), {});
  return Object.fromEntries(
    Object.entries(union).map(([name, value]) =>
      LISTS.has(name) ? [name, { ...(isFields(value) ? value : {}), listChanged: true }] : [name, value],
    ),
  );
}

const LISTS: ReadonlySet<string> = new Set(['tools', 'resources', 'prompts']);

/** Fields of both; objects are put together, of other values a later one counts only where there was none (or `false`). */
function bothOf(a: Fields, b: Fields, depth: number): Fields {
  const result = new Map(Object.entries(a));
  for (const [name, value] of Object.entries(b)) {
    const known = result.get(name);
    if (isFields(known) && isFields(value)) {
      if (depth > 0) result.set(name, bothOf(known, value, depth - 1));
    } else if (known === undefined || known === false) result.set(name, value);
  }
  return Object.fromEntries(result);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function instructionsOf(members: readonly Introduction[], skipped: readonly Skipped[], search: boolean): string {
  const parts = [
    search
      ? 'This endpoint offers the tools of several MCP servers. Look for a tool with find_tools, see its arguments with describe_tool, and call it with call_tool.'
      : 'This endpoint offers several MCP servers at once. The name of each tool and prompt begins with that of its server.',
    `Servers: ${members.length === 0 ? 'none' : members.map(({ server }) => server).join(', ')}.`,
    ...skipped.map(({ reason }) => `Not available now: ${reason}`),
    ...members.flatMap(({ server, instructions }) => (instructions === undefined ? [] : [`# ${server}\n\n${instructions}`])),
  ];
  return parts.join('\n\n');
}
